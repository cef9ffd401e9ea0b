// The four panels that `chordial sim --plot` draws of a study.
import { type Panel, svgPage } from './plot.ts';
import type { StudyReport } from './study-options.ts';

const KINDS_SHOWN = 9;
const BINS = 12;
const PERCENT = 100;

const share = (part: number, of: number): number => (of === 0 ? 0 : (PERCENT * part) / of);

/** Counts of values in at most BINS ranges of whole numbers, each as wide as the others. */
export const binned = (
  values: readonly number[],
): readonly { readonly label: string; readonly value: number }[] => {
  const low = Math.min(...values);
  const width = Math.max(1, Math.ceil((Math.max(...values) - low + 1) / BINS));
  const bins: { label: string; value: number }[] = [];
  for (const value of values) {
    const index = Math.floor((value - low) / width);
    for (let n = bins.length; n <= index; n += 1) bins.push({ label: String(low + n * width), value: 0 });
    const bin = bins[index];
    if (bin !== undefined) bin.value += 1;
  }
  return bins;
};

const roundTripsPanel = ({ roundTrips, meanRoundTrips, latencyMs }: StudyReport): Panel => {
  const all = roundTrips.reduce((sum, { queries }) => sum + queries, 0);
  const last = roundTrips.findLastIndex(({ queries }) => queries > 0);
  const { p50, p99 } = latencyMs;
  return {
    kind: 'bars',
    title: 'Round trips of a lookup',
    x: `questions one after another (mean ${meanRoundTrips.toFixed(2)}; latency p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms)`,
    y: '% of lookups',
    bars: roundTrips
      .slice(0, Math.max(4, last + 1))
      .map(({ count, queries }) => ({ label: String(count), value: share(queries, all) })),
  };
};

const keysPanel = ({ keysPerNode }: StudyReport): Panel => {
  const mean = keysPerNode.reduce((sum, keys) => sum + keys, 0) / Math.max(1, keysPerNode.length);
  return {
    kind: 'bars',
    title: 'Keys held by a node, copies included',
    x: `keys, from … on (mean ${mean.toFixed(1)}, most ${keysPerNode.at(-1) ?? 0})`,
    y: 'nodes',
    bars: keysPerNode.length === 0 ? [] : binned(keysPerNode),
  };
};

const bytesPanel = ({ bytes }: StudyReport): Panel => ({
  kind: 'rows',
  title: 'UDP payload sent, by kind of message',
  x: `bytes per node and second (all ${(bytes.operations + bytes.maintenance).toFixed(0)}; without find, query, publish ${bytes.maintenance.toFixed(0)})`,
  y: '',
  rows: bytes.byKind
    .slice(0, KINDS_SHOWN)
    .map(({ kind, perNodeSec }) => ({ label: kind, value: perNodeSec })),
});

const survivalPanel = ({ byMinute, bindings }: StudyReport): Panel => ({
  kind: 'line',
  title: 'Acknowledged bindings that a lookup found',
  x: `minute (at the end ${bindings.found} of ${bindings.acknowledged} readable, ${bindings.denied} lost)`,
  y: '% of lookups',
  yMin: 95,
  yMax: PERCENT,
  points: byMinute.map(({ minute, found, denied, unanswered }) => ({
    x: minute,
    y: share(found, found + denied + unanswered),
  })),
});

export const plotStudy = (report: StudyReport): string => {
  const { nodes, sessionSec, minutes, seed, lookupsPerSec, loss, delayMs } = report.options;
  const churn = sessionSec === 0 ? 'no churn' : `sessions of ${sessionSec} s on average`;
  const head = `A ring of ${nodes} nodes, ${churn}, ${minutes} min`;
  const under = `${report.deaths} nodes killed, ${report.joins} joined · ${lookupsPerSec} lookups/s · one way ${delayMs}–${2 * delayMs} ms, ${loss * PERCENT} % lost · seed ${seed}`;
  const panels = [roundTripsPanel, keysPanel, bytesPanel, survivalPanel].map((panel) => panel(report));
  return svgPage(head, under, panels);
};
