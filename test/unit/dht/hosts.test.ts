// Members by process, case by case: letters are processes, digits their members, in the order in which they are met.
import { describe, expect, test } from 'vitest';
import {
  countHosts,
  firstHosts,
  keptOf,
  nearestForeign,
  reachOf,
  vnodesMax,
} from '../../../src/dht/hosts.ts';
import { closest, type Neighbourhood, vouchers } from '../../../src/dht/neighbourhood.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { hashToId } from '../../../src/record/id.ts';
import { atlanta } from '../../support/lsp-samples.ts';

const peer = (name: string): Peer => ({
  ...atlanta,
  id: hashToId(Buffer.from(name)),
  domain: `${name[0]}.example`,
  vnode: Number(name[1] ?? 0),
});
const peers = (names: string): readonly Peer[] => names.split(' ').filter(Boolean).map(peer);
const names = (list: readonly (Peer | undefined)[]): string =>
  list.map((one) => (one === undefined ? '-' : `${one.domain[0]}${one.vnode}`)).join(' ');
const self = peer('s0');

test.each([
  ['b1 b0 a2 b3 c0 a0 d0', 3, 'b1 a2 c0'],
  ['b1 b0 a2', 3, 'b1 a2'],
  ['', 3, ''],
])('the first member of each process: %s, %i', (ordered, count, expected) => {
  expect(names(firstHosts(peers(ordered), count))).toBe(expected);
});

test.each([
  ['the third other process', 'a0 b0 a1 c0 d0', 'a0 b0 c0', true],
  ['one of its own before it', 'a0 s1 b0 c0', 'a0 s1', true],
  ['nothing: there are fewer', 'a0 a1 b0', 'a0 b0', false],
  ['nothing: it is alone', '', '', false],
])('an arc ends at %s', (_, ordered, members, ended) => {
  const reach = reachOf(self, peers(ordered), 3);
  expect([names(reach.members), reach.ended]).toEqual([members, ended]);
});

test.each([
  ['one member a process: as many as asked for', 'a0 b0 c0 d0 e0', 0, 3, 'a0 b0 c0'],
  ['not less than the least', 'a0 b0 c0 d0 e0', 4, 3, 'a0 b0 c0 d0'],
  ['members of its own do not count', 's1 a0 s2 b0 s3 c0 s4', 0, 3, 's1 a0 s2 b0 s3 c0'],
  ['nor does the same process twice', 'a0 b0 a1 b1 c0 d0', 0, 3, 'a0 b0 a1 b1 c0'],
  ['the last one comes whole', 'a0 a1 a2 b0', 0, 1, 'a0 a1 a2'],
])('what a member keeps: %s', (_, ordered, atLeast, hosts, expected) => {
  expect(names(keptOf(self, peers(ordered), { atLeast, hosts }))).toBe(expected);
});

test('a list never grows beyond what a message holds', () => {
  const many = Array.from({ length: 50 }, (_, n) => ({
    ...self,
    id: hashToId(Buffer.from(`${n}`)),
    vnode: n & 15,
  }));
  expect(keptOf(self, many, { atLeast: 0, hosts: 1 })).toHaveLength(34);
});

test.each([
  [1, 16],
  [3, 16],
  [4, 11],
  [5, 8],
  [7, 5],
])('with %i copies a process has at most %i members', (replicas, max) => {
  expect(vnodesMax(replicas)).toBe(max);
});

test('processes are counted, their members are not; counting ends where it is enough', () => {
  expect(countHosts(self, peers('s1 s2 s3'))).toBe(1);
  expect(countHosts(self, peers('s1 a0 a1 b0'))).toBe(3);
  expect(countHosts(self, peers('s1 a0 a1 b0 c0'), 2)).toBe(2);
});

describe('whose word the lease goes by', () => {
  const hood = (predecessors: string, successors: string): Neighbourhood => ({
    mode: 'full',
    self,
    arc: undefined,
    predecessors: peers(predecessors),
    successors: peers(successors),
  });

  test.each([
    ['both neighbours', 'a0 b0', 'c0 d0', 'a0 c0', 'c0 a0'],
    ['the nearest of other processes, past its own', 's1 s2 b0 a0', 's3 c0 d0', 'b0 c0', 's3 s1 b0 c0'],
    ['nobody, where all are its own', 's1 s2', 's2 s1', '- -', 's2 s1'],
  ])('%s', (_, before, after, vouching, asked) => {
    expect(names(vouchers(hood(before, after)))).toBe(vouching);
    expect(names(closest(hood(before, after)))).toBe(asked);
    expect(nearestForeign(self, peers(after))?.domain).not.toBe(self.domain);
  });
});
