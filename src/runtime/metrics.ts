// Metrics as a port and its only form: counters, gauges and histograms written as Prometheus text.
// Our own: prom-client is changing hands, and what we need of it is this page (docs/adr/0003).

export type Labels = Readonly<Record<string, string | number>>;

export interface Counter {
  add(labels?: Labels, by?: number): void;
}
export interface Histogram {
  /** `value` in the unit of the metric's name (seconds for `_seconds`). */
  observe(value: number, labels?: Labels): void;
}

export interface Metrics {
  /** The same name twice gives the same counter. */
  counter(name: string, help: string): Counter;
  histogram(name: string, help: string, buckets?: readonly number[]): Histogram;
  /** `read` is asked at every scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** One gauge for each of a bounded set of labels; read at every scrape. */
  gauges(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void;
  /** Counters that are kept elsewhere, for what is counted too often to make labels for it; read at every scrape. */
  counters(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void;
}

interface Family {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly lines: () => Iterable<string>;
}

const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
// A label value from the network would make a series per value: labels are enumerations, and this is the backstop.
const SERIES_MAX = 1000;

const UNFIT = /[\\"\n]/;

const escapeLabel = (value: string | number): string =>
  typeof value === 'number' || !UNFIT.test(value)
    ? String(value)
    : value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

// Called for everything that is counted, several times a datagram: no arrays on the way.
const formatLabels = (labels: Labels, extra = ''): string => {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escapeLabel(labels[name] ?? '')}"`;
  if (extra !== '') text += text === '' ? extra : `,${extra}`;
  return text === '' ? '' : `{${text}}`;
};

/** A registry of its own: nothing global, one per app. */
export class MetricsRegistry implements Metrics {
  // BOUNDED: by the names in the source.
  readonly #families = new Map<string, Family>();
  readonly #instruments = new Map<string, Counter | Histogram>();

  counter(name: string, help: string): Counter {
    const known = this.#instruments.get(name);
    if (known !== undefined) return known as Counter;
    // BOUNDED: SERIES_MAX.
    const series = new Map<string, number>();
    const counter: Counter = {
      add(labels = {}, by = 1) {
        const key = formatLabels(labels);
        if (!series.has(key) && series.size >= SERIES_MAX) return;
        series.set(key, (series.get(key) ?? 0) + by);
      },
    };
    const lines = () => [...series].map(([key, value]) => `${name}${key} ${value}`);
    this.#families.set(name, { kind: 'counter', help, lines });
    this.#instruments.set(name, counter);
    return counter;
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#families.set(name, { kind: 'gauge', help, lines: () => [`${name} ${read()}`] });
  }

  gauges(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void {
    const lines = () => [...read()].map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`);
    this.#families.set(name, { kind: 'gauge', help, lines });
  }

  counters(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void {
    const lines = () => [...read()].map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`);
    this.#families.set(name, { kind: 'counter', help, lines });
  }

  histogram(name: string, help: string, buckets: readonly number[] = SECONDS_BUCKETS): Histogram {
    const known = this.#instruments.get(name);
    if (known !== undefined) return known as Histogram;
    // BOUNDED: SERIES_MAX.
    const series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();
    const histogram: Histogram = {
      observe(value, labels = {}) {
        const key = formatLabels(labels);
        let one = series.get(key);
        if (one === undefined) {
          if (series.size >= SERIES_MAX) return;
          one = { labels, counts: buckets.map(() => 0), sum: 0, count: 0 };
          series.set(key, one);
        }
        one.sum += value;
        one.count += 1;
        const index = buckets.findIndex((bound) => value <= bound);
        if (index >= 0) one.counts[index] = (one.counts[index] ?? 0) + 1;
      },
    };
    const lines = () =>
      [...series.values()].flatMap(({ labels, counts, sum, count }) => {
        let below = 0;
        const rows = buckets.map((bound, index) => {
          below += counts[index] ?? 0;
          return `${name}_bucket${formatLabels(labels, `le="${bound}"`)} ${below}`;
        });
        rows.push(`${name}_bucket${formatLabels(labels, 'le="+Inf"')} ${count}`);
        return [
          ...rows,
          `${name}_sum${formatLabels(labels)} ${sum}`,
          `${name}_count${formatLabels(labels)} ${count}`,
        ];
      });
    this.#families.set(name, { kind: 'histogram', help, lines });
    this.#instruments.set(name, histogram);
    return histogram;
  }

  /** The text exposition format of Prometheus, version 0.0.4. */
  text(): string {
    const out: string[] = [];
    for (const [name, family] of this.#families) {
      out.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.kind}`, ...family.lines());
    }
    return `${out.join('\n')}\n`;
  }
}
