// What a node counts of its own work for STATUS and the metrics: plain numbers, as it is called for every datagram.
import type { Metrics } from '../runtime/metrics.ts';
import { REQUEST_CODES, type RequestType, requestTypeOf } from './request-traits.ts';
import type { KindTraffic, StatusReport } from './types.ts';

/** Frames that belong to no request's kind: challenges, bitmaps, answers to what can't be read. */
const OTHER = 0;
/** Codes of requests are small numbers. */
const KINDS = 1 + Math.max(...Object.values(REQUEST_CODES));

type Counted = Required<Pick<StatusReport, 'traffic' | 'bytes' | 'lookups' | 'disagreements' | 'moved'>>;

export class Tally {
  // BOUNDED: all three by KINDS.
  readonly #asked = new Float64Array(KINDS);
  readonly #served = new Float64Array(KINDS);
  readonly #sentBytes = new Float64Array(KINDS);
  #bytesIn = 0;
  #lookups = 0;
  #roundTrips = 0;
  #disagreements = 0;
  #pulled = 0;
  #pushed = 0;

  asked(kind: RequestType): void {
    add(this.#asked, REQUEST_CODES[kind], 1);
  }

  served(kind: RequestType): void {
    add(this.#served, REQUEST_CODES[kind], 1);
  }

  /** One datagram that belongs to a request of this kind or to its answer; copies count. */
  sent(kind: RequestType | undefined, bytes: number): void {
    add(this.#sentBytes, kind === undefined ? OTHER : REQUEST_CODES[kind], bytes);
  }

  received(bytes: number): void {
    this.#bytesIn += bytes;
  }

  lookup(roundTrips: number): void {
    this.#lookups += 1;
    this.#roundTrips += roundTrips;
  }

  disagreement(): void {
    this.#disagreements += 1;
  }

  moved(direction: 'pushed' | 'pulled', keys: number): void {
    if (direction === 'pushed') this.#pushed += keys;
    else this.#pulled += keys;
  }

  /** What STATUS tells of it. */
  report(): Counted {
    return {
      traffic: this.#traffic(),
      bytes: { in: this.#bytesIn, out: this.#sentBytes.reduce((sum, bytes) => sum + bytes, 0) },
      lookups: { count: this.#lookups, roundTrips: this.#roundTrips },
      disagreements: this.#disagreements,
      moved: { pulled: this.#pulled, pushed: this.#pushed },
    };
  }

  /** Read at every scrape: nothing is paid for it on a datagram's way. */
  register(metrics: Metrics): void {
    metrics.counters('chordial_lsp_sent_bytes_total', 'UDP payload of LSP sent, by kind of request', () =>
      this.#traffic().map(({ kind, sentBytes }) => [{ kind }, sentBytes]),
    );
  }

  /** The kinds that there was anything of. */
  #traffic(): readonly KindTraffic[] {
    const rows: KindTraffic[] = [];
    for (let code = 0; code < KINDS; code += 1) {
      const [asked = 0, served = 0, sentBytes = 0] = [
        this.#asked[code],
        this.#served[code],
        this.#sentBytes[code],
      ];
      if (asked + served + sentBytes > 0)
        rows.push({ kind: code === OTHER ? 'other' : requestTypeOf(code), asked, served, sentBytes });
    }
    return rows;
  }
}

const add = (counts: Float64Array, at: number, by: number): void => {
  counts[at] = (counts[at] ?? 0) + by;
};
