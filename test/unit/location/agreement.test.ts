// Replicas compared: who lacks what, who is behind, and whose ring is another one.
import { expect, test } from 'vitest';
import { differences, type ReplicaTold } from '../../../src/location/agreement.ts';
import type { Binding } from '../../../src/location/types.ts';

const binding = (contact: string, expiresAtMs = 60_000, more: Partial<Binding> = {}): Binding => ({
  contact,
  canonicalContact: contact,
  params: [],
  path: [],
  expiresAtMs,
  ...more,
});
const told = (name: string, bindings: readonly Binding[] | undefined, replicas?: string[]): ReplicaTold => ({
  name,
  bindings,
  replicas,
});
const [X, Y] = [binding('sip:x@192.0.2.1'), binding('sip:y@192.0.2.2')];
const ALL = ['a', 'b', 'c'];

test.each<[string, readonly ReplicaTold[]]>([
  ['nobody asked', []],
  ['all hold the same, in whatever order', [told('a', [X, Y], ALL), told('b', [Y, X], ALL)]],
  ['all deny', [told('a', [], ALL), told('b', [], ALL)]],
  ['one does not answer', [told('a', [X], ALL), told('b', undefined), told('c', [X], ALL)]],
])('no difference: %s', (_, replicas) => {
  expect(differences(replicas)).toEqual([]);
});

test('one lacks a binding', () => {
  expect(differences([told('a', [X, Y]), told('b', [X]), told('c', [X, Y])])).toEqual([
    'sip:y@192.0.2.2 is held by a, c, not by b',
  ]);
});

test('one has an older publication of a binding, by instance where there is one', () => {
  const named = { instance: 'urn:uuid:1', regId: 1 };
  const [older, newer] = [binding('sip:x@old', 58_500, named), binding('sip:x@new', 60_000, named)];
  expect(differences([told('a', [newer]), told('b', [older])])).toEqual([
    'sip:x@new: b has an older publication, which expires 1.5 s earlier',
  ]);
});

test('one sees other replicas', () => {
  expect(differences([told('a', [X], ALL), told('b', [X], ['a', 'b', 'd']), told('c', [X], ALL)])).toEqual([
    'the replicas are a, b, c for a, c; a, b, d for b',
  ]);
});
