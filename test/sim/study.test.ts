// `chordial sim` on a small ring: its figures fit together, and the same seed gives the same ones.
import { expect, test } from 'vitest';
import { Study } from '../../src/sim/study.ts';
import type { StudyOptions } from '../../src/sim/study-options.ts';

const options: StudyOptions = {
  seed: 3,
  nodes: 12,
  sessionSec: 300,
  minutes: 1,
  lookupsPerSec: 2,
  bindings: 20,
  loss: 0.01,
  delayMs: 10,
};

test('a ring of twelve under churn: what is counted adds up, and nothing acknowledged is lost', async () => {
  const seen: number[] = [];
  const report = await new Study(options).run((doneMs) => seen.push(doneMs));
  expect(report.nodesAtEnd).toBe(12);
  expect(report.joins).toBe(report.deaths);
  expect(report.deaths).toBeGreaterThan(0);
  expect(report.bindings).toMatchObject({ acknowledged: 20, refused: 0, found: 20, denied: 0 });
  const { found, denied, unanswered } = report.lookups;
  expect(found).toBeGreaterThan(60);
  expect(denied).toBe(0);
  expect(report.byMinute.reduce((sum, minute) => sum + minute.found, 0)).toBe(found);
  expect(report.roundTrips.reduce((sum, { queries }) => sum + queries, 0)).toBeGreaterThanOrEqual(found);
  expect(report.meanRoundTrips).toBeGreaterThan(0.5);
  expect(report.latencyMs.p50).toBeGreaterThan(20);
  expect(unanswered).toBeLessThan(0.1 * found);
  const kinds = report.bytes.byKind.reduce((sum, { perNodeSec }) => sum + perNodeSec, 0);
  expect(report.bytes.operations + report.bytes.maintenance).toBeCloseTo(kinds);
  // Three copies each, and what leavers left behind.
  expect(report.keysPerNode.reduce((sum, keys) => sum + keys, 0)).toBeGreaterThanOrEqual(60);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));

  expect(await new Study(options).run()).toEqual(report);
});
