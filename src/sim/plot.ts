// Small charts as one SVG that needs nothing from anywhere: panels with axes, units and labels, readable on light and dark.

interface Frame {
  readonly title: string;
  /** What the horizontal and the vertical axis show, with their units. */
  readonly x: string;
  readonly y: string;
}

export type Panel = Frame &
  (
    | { readonly kind: 'bars'; readonly bars: readonly { readonly label: string; readonly value: number }[] }
    /** One row each, the label left of it. */
    | { readonly kind: 'rows'; readonly rows: readonly { readonly label: string; readonly value: number }[] }
    | {
        readonly kind: 'line';
        readonly points: readonly { readonly x: number; readonly y: number }[];
        /** The least range that the vertical axis shows. */
        readonly yMin: number;
        readonly yMax: number;
      }
  );

const WIDTH = 920;
const PANEL = { width: 440, height: 300 } as const;
const HEAD = 76;
const COLUMNS = 2;
const TICKS = 4;

const STYLE = `text{font:12px system-ui,sans-serif;fill:#333}.t{font-weight:600;font-size:14px}.h{font-weight:600;font-size:18px}
.d{fill:#666}.a{stroke:#999;fill:none}.g{stroke:#ddd;fill:none}.b{fill:#3b76af}.l{stroke:#3b76af;fill:none;stroke-width:2}.bg{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#ddd}.d{fill:#999}.g{stroke:#333}.b{fill:#6ea8dc}.l{stroke:#6ea8dc}.bg{fill:#16181b}}`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string): string =>
  // Control characters are no XML, escaped or not.
  text
    .replace(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]/g, '\ufffd')
    .replace(/[&<>"]/g, (char) => ENTITIES[char] ?? '');

const fixed = (value: number): string => (Math.round(value * 10) / 10).toString();

/** 0.04, 3.5, 120, 12k: as many digits as a tick has room for. */
export const shortNumber = (value: number): string => {
  const size = Math.abs(value);
  if (size >= 10_000) return `${Math.round(value / 1000)}k`;
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toString();
  return size >= 1 ? value.toFixed(1) : value.toPrecision(2);
};

/** A round step so that `TICKS` of them reach `range`: 1, 2, 2.5 or 5 times a power of ten. */
export const tickStep = (range: number): number => {
  if (!(range > 0)) return 1;
  const raw = range / TICKS;
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.9999) ?? 10) * power;
};

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}"${more}>${escapeXml(words)}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<path class="${kind}" d="M${fixed(x1)} ${fixed(y1)}L${fixed(x2)} ${fixed(y2)}"/>`;
const bar = (x: number, y: number, width: number, height: number): string =>
  `<rect class="b" x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" rx="1"/>`;

/** Where the data goes, inside of one panel. */
const AREA = { left: 58, top: 46, width: PANEL.width - 80, height: PANEL.height - 104 } as const;
const BOTTOM = AREA.top + AREA.height;

const frame = (panel: Panel): string =>
  [
    text(0, 14, panel.title, ' class="t"'),
    text(AREA.left + AREA.width / 2, BOTTOM + 38, panel.x, ' class="d" text-anchor="middle"'),
    panel.y === '' ? '' : text(0, AREA.top - 14, panel.y, ' class="d"'),
    line(AREA.left, BOTTOM, AREA.left + AREA.width, BOTTOM, 'a'),
  ].join('\n');

/** Horizontal grid lines with their values; `low` to `high` is the height of the area. */
const verticalScale = (low: number, high: number): { readonly svg: string; at(value: number): number } => {
  const step = tickStep(high - low);
  const at = (value: number): number => BOTTOM - (AREA.height * (value - low)) / (high - low);
  const lines: string[] = [];
  for (let n = Math.ceil(low / step); n * step <= high + step / 1000; n += 1) {
    const y = at(n * step);
    if (n * step > low) lines.push(line(AREA.left, y, AREA.left + AREA.width, y, 'g'));
    lines.push(text(AREA.left - 6, y + 4, shortNumber(n * step), ' text-anchor="end"'));
  }
  return { svg: lines.join('\n'), at };
};

/** The least multiple of a round step at or above `value`. */
const roundedUp = (value: number): number => {
  const step = tickStep(value);
  return value > 0 ? Math.ceil(value / step - 1e-9) * step : 1;
};

const LABELS_MAX = 12;

const drawBars = (bars: readonly { readonly label: string; readonly value: number }[]): string => {
  const scale = verticalScale(0, roundedUp(Math.max(0, ...bars.map(({ value }) => value))));
  const slot = AREA.width / Math.max(1, bars.length);
  const every = Math.ceil(bars.length / LABELS_MAX);
  const drawn = bars.map(({ label, value }, index) => {
    const x = AREA.left + slot * index;
    const y = scale.at(value);
    const words = index % every === 0 ? text(x + slot / 2, BOTTOM + 17, label, ' text-anchor="middle"') : '';
    return `${bar(x + slot * 0.1, y, slot * 0.8, BOTTOM - y)}${words}`;
  });
  return [scale.svg, ...drawn].join('\n');
};

const ROW_LABEL = 62;

const drawRows = (rows: readonly { readonly label: string; readonly value: number }[]): string => {
  const high = roundedUp(Math.max(0, ...rows.map(({ value }) => value)));
  const step = tickStep(high);
  const [left, width] = [AREA.left + ROW_LABEL, AREA.width - ROW_LABEL];
  const ticks: string[] = [];
  for (let n = 0; n * step <= high + step / 1000; n += 1) {
    const x = left + (width * n * step) / high;
    ticks.push(
      line(x, AREA.top, x, BOTTOM, 'g'),
      text(x, BOTTOM + 17, shortNumber(n * step), ' text-anchor="middle"'),
    );
  }
  const slot = AREA.height / Math.max(1, rows.length);
  const drawn = rows.map(({ label, value }, index) => {
    const y = AREA.top + slot * index;
    const words = text(left - 6, y + slot / 2 + 4, label, ' text-anchor="end"');
    return `${bar(left, y + slot * 0.15, (width * value) / high, slot * 0.7)}${words}`;
  });
  return [...ticks, ...drawn].join('\n');
};

const drawLine = ({ points, yMin, yMax }: Extract<Panel, { kind: 'line' }>): string => {
  const low = Math.min(yMin, ...points.map(({ y }) => y));
  const scale = verticalScale(low, Math.max(yMax, low + 1e-9, ...points.map(({ y }) => y)));
  const [from, to] = [points[0]?.x ?? 0, points.at(-1)?.x ?? 1];
  const xAt = (x: number): number => AREA.left + (to > from ? (AREA.width * (x - from)) / (to - from) : 0);
  const step = Math.max(1, tickStep(to - from));
  const ticks: string[] = [];
  for (let n = Math.ceil(from / step); n * step <= to; n += 1)
    ticks.push(text(xAt(n * step), BOTTOM + 17, shortNumber(n * step), ' text-anchor="middle"'));
  const path = points.map(
    ({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${fixed(xAt(x))} ${fixed(scale.at(y))}`,
  );
  const dots = points.map(
    ({ x, y }) => `<circle class="b" cx="${fixed(xAt(x))}" cy="${fixed(scale.at(y))}" r="2.5"/>`,
  );
  return [scale.svg, ...ticks, `<path class="l" d="${path.join('')}"/>`, ...dots].join('\n');
};

const draw = (panel: Panel): string => {
  switch (panel.kind) {
    case 'bars':
      return drawBars(panel.bars);
    case 'rows':
      return drawRows(panel.rows);
    case 'line':
      return drawLine(panel);
  }
};

/** One document: a head of two lines, panels in two columns. */
export const svgPage = (head: string, under: string, panels: readonly Panel[]): string => {
  const height = HEAD + Math.ceil(panels.length / COLUMNS) * PANEL.height;
  const drawn = panels.map((panel, index) => {
    const x = 20 + (index % COLUMNS) * (PANEL.width + 20);
    const y = HEAD + Math.floor(index / COLUMNS) * PANEL.height;
    return `<g transform="translate(${x} ${y})">\n${frame(panel)}\n${draw(panel)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escapeXml(head)}</title><style>${STYLE}</style><rect class="bg" width="${WIDTH}" height="${height}"/>
${text(20, 30, head, ' class="h"')}
${text(20, 52, under, ' class="d"')}
${drawn.join('\n')}
</svg>
`;
};
