// The charts of `chordial sim`: well-formed, safe, and the right size for the values.
import { describe, expect, test } from 'vitest';
import { type Panel, shortNumber, svgPage, tickStep } from '../../../src/sim/plot.ts';
import { type StudyReport, spreadOf } from '../../../src/sim/study-options.ts';
import { binned, plotStudy } from '../../../src/sim/study-plot.ts';

/** What is wrong with a document as XML (the subset that is written here); undefined if nothing. */
const malformed = (xml: string): string | undefined => {
  const open: string[] = [];
  let at = 0;
  for (const match of xml.matchAll(/<(\/?)([a-z]+)((?:\s[\w:-]+="[^"<>]*")*)\s*(\/?)>/g)) {
    const between = xml.slice(at, match.index);
    if (/[<>]/.test(between) || /&(?!(amp|lt|gt|quot);)/.test(between)) return `text: ${between}`;
    at = match.index + match[0].length;
    const [, closing, name = '', , empty] = match;
    if (closing === '/') {
      if (open.pop() !== name) return `</${name}> closes nothing`;
    } else if (empty !== '/') open.push(name);
  }
  if (/[<>]/.test(xml.slice(at))) return 'rest';
  return open.length === 0 ? undefined : `open: ${open.join()}`;
};
const count = (xml: string, tag: string): number => xml.split(`<${tag} `).length - 1;
const numbers = (xml: string, tag: string, attribute: string): readonly number[] =>
  [...xml.matchAll(new RegExp(`<${tag} [^>]*\\b${attribute}="([^"]+)"`, 'g'))].map(([, value]) =>
    Number(value),
  );

const bars = (values: readonly number[]): Panel => ({
  kind: 'bars',
  title: 'T',
  x: 'x in s',
  y: 'y in %',
  bars: values.map((value, index) => ({ label: `${index}`, value })),
});

describe('svgPage', () => {
  test('is well-formed whatever the words are, and fetches nothing', () => {
    const evil = '<script>&"\u0000]]>';
    const svg = svgPage(evil, evil, [
      { ...bars([1, 2]), title: evil },
      { kind: 'rows', title: 'r', x: evil, y: '', rows: [{ label: evil, value: 3 }] },
      { kind: 'line', title: 'l', x: '', y: '', yMin: 0, yMax: 1, points: [{ x: 1, y: 0.5 }] },
    ]);
    expect(malformed(svg)).toBeUndefined();
    expect(svg).not.toMatch(/<script|href|url\(|@import|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
  });

  test('bars are as high as their values', () => {
    const heights = numbers(svgPage('', '', [bars([1, 2, 4])]), 'rect', 'height').slice(1);
    expect(heights).toHaveLength(3);
    const [one = 0, two = 0, four = 0] = heights;
    expect(two / one).toBeCloseTo(2, 1);
    expect(four / one).toBeCloseTo(4, 1);
  });

  test('a line goes from the first value to the last, the greater the higher', () => {
    const points = [3, 1, 2].map((y, x) => ({ x, y }));
    const svg = svgPage('', '', [{ kind: 'line', title: '', x: '', y: '', yMin: 0, yMax: 4, points }]);
    const [a = 0, b = 0, c = 0] = numbers(svg, 'circle', 'cy');
    expect(a < c && c < b).toBe(true);
    const xs = numbers(svg, 'circle', 'cx');
    expect(xs).toEqual([...xs].sort((left, right) => left - right));
  });

  test.each<[string, Panel]>([
    ['no bars', bars([])],
    ['only zeros', bars([0, 0])],
    ['no rows', { kind: 'rows', title: '', x: '', y: '', rows: [] }],
    ['no points', { kind: 'line', title: '', x: '', y: '', yMin: 0, yMax: 0, points: [] }],
  ])('%s: still a chart, without NaN', (_, panel) => {
    const svg = svgPage('', '', [panel]);
    expect(malformed(svg)).toBeUndefined();
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test.each([
  [100, 25],
  [8, 2],
  [15, 5],
  [0.4, 0.1],
  [0, 1],
  [1234, 500],
])('a range of %d has ticks every %d', (range, step) => {
  expect(tickStep(range)).toBeCloseTo(step);
});

test.each([
  [0, '0'],
  [0.25, '0.25'],
  [2.5, '2.5'],
  [120.4, '120'],
  [12_345, '12k'],
])('%d is written %s', (value, words) => {
  expect(shortNumber(value)).toBe(words);
});

test('values in ranges: all of them, in order, in at most twelve', () => {
  const values = Array.from({ length: 100 }, (_, n) => n);
  const bins = binned(values);
  expect(bins.length).toBeLessThanOrEqual(12);
  expect(bins.reduce((sum, { value }) => sum + value, 0)).toBe(100);
  expect(bins[0]).toEqual({ label: '0', value: 9 });
  expect(binned([5])).toEqual([{ label: '5', value: 1 }]);
});

test('spread: mean, median, 99th percentile, maximum', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ mean: 2.5, p50: 3, p99: 4, max: 4 });
  expect(spreadOf([])).toEqual({ mean: 0, p50: 0, p99: 0, max: 0 });
});

test('a study is four panels with its figures', () => {
  const report: StudyReport = {
    options: {
      seed: 7,
      nodes: 3,
      sessionSec: 0,
      minutes: 2,
      lookupsPerSec: 1,
      bindings: 2,
      loss: 0.1,
      delayMs: 20,
    },
    nodesAtEnd: 3,
    deaths: 0,
    joins: 0,
    roundTrips: [
      { count: 0, queries: 0 },
      { count: 1, queries: 9 },
      { count: 2, queries: 1 },
    ],
    meanRoundTrips: 1.1,
    latencyMs: { mean: 50, p50: 41, p99: 99, max: 120 },
    lookups: { found: 10, denied: 0, unanswered: 0 },
    byMinute: [
      { minute: 1, nodes: 3, found: 5, denied: 0, unanswered: 0 },
      { minute: 2, nodes: 3, found: 5, denied: 0, unanswered: 0 },
    ],
    keysPerNode: [1, 2, 2],
    servedPerNode: [3, 3, 4],
    bytes: { operations: 10, maintenance: 90, byKind: [{ kind: 'ping', perNodeSec: 60 }] },
    bindings: { acknowledged: 2, refused: 0, found: 2, denied: 0, unanswered: 0 },
    stalePercent: 0,
    events: 1,
    traceHash: '00',
  };
  const svg = plotStudy(report);
  expect(malformed(svg)).toBeUndefined();
  expect(count(svg, 'g')).toBe(4);
  for (const words of [
    'A ring of 3 nodes, no churn, 2 min',
    'seed 7',
    'mean 1.10',
    '2 of 2 readable',
    'ping',
  ])
    expect(svg).toContain(words);
});
