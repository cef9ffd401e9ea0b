// What members of a ring say of themselves, put together: a settled ring is silent, each breach names who and what.
import { describe, expect, test } from 'vitest';
import { lastingFindings, ringFindings, type WalkedMember } from '../../../src/dht/ring-check.ts';
import type { Peer, StatusReport } from '../../../src/dht/types.ts';
import { idAt, peerNamed } from '../../support/fake-peers.ts';

interface Constants {
  readonly replicas: number;
  readonly successors: number;
}

/** The ideal ring of these places, as its members would tell of it. */
const ideal = (
  places: string,
  { replicas, successors }: Constants = { replicas: 3, successors: 8 },
): readonly WalkedMember[] => {
  const peers = places.split('').map((hex) => peerNamed(hex, idAt(hex)));
  const count = peers.length;
  const at = (index: number): Peer => peers[(index + count * 20) % count] ?? peerNamed('none');
  const run = (index: number, step: 1 | -1, length: number): readonly Peer[] =>
    Array.from({ length: Math.min(length, count - 1) }, (_, n) => at(index + step * (n + 1)));
  return peers.map((peer, index) => {
    const status: StatusReport = {
      version: '1',
      uptimeSec: 1,
      self: peer,
      mode: count <= successors + 1 ? 'small' : 'full',
      ready: true,
      arc: { from: count <= replicas ? peer.id : at(index - replicas).id, to: peer.id },
      keys: 0,
      entries: 0,
      members: count,
      replicas,
      successors,
      lease: true,
    };
    const [after, before] = [run(index, 1, successors), run(index, -1, replicas)];
    return {
      peer,
      endpoint: { host: '127.0.0.1', port: 1 },
      rttMs: 1,
      status,
      successor: after[0]?.id,
      predecessor: before[0]?.id,
      successors: after,
      predecessors: before,
      sizeEstimate: count,
    };
  });
};

type Change = (member: WalkedMember, all: readonly WalkedMember[]) => Partial<WalkedMember>;

const texts = (
  members: readonly WalkedMember[],
  more: { absent?: Parameters<typeof ringFindings>[0]['absent'] } = {},
): readonly string[] =>
  ringFindings({ members, absent: more.absent ?? [], twins: [] }).map(({ text }) => text);

/** The ideal ring with one member's word changed. */
const changed = (places: string, hex: string, change: Change): readonly WalkedMember[] => {
  const members = ideal(places);
  return members.map((one) => (one.peer.id === idAt(hex) ? { ...one, ...change(one, members) } : one));
};
const peerAt = (members: readonly WalkedMember[], hex: string): Peer =>
  members.find(({ peer }) => peer.id === idAt(hex))?.peer ?? peerNamed('none');
const status =
  (more: Partial<StatusReport>): Change =>
  (one) => ({ status: { ...one.status, ...more } });

describe('a settled ring has no breach', () => {
  test.each(['1', '15', '159', '159d', '123456789', '123456789a', '123456789abcdef'])('%s', (places) => {
    expect(texts(ideal(places))).toEqual([]);
  });

  test('whatever its constants are', () => {
    expect(texts(ideal('123456789abcdef', { replicas: 2, successors: 4 }))).toEqual([]);
    expect(texts(ideal('12345', { replicas: 1, successors: 2 }))).toEqual([]);
  });
});

describe('a breach names who says what of whom', () => {
  const cases: readonly [string, readonly WalkedMember[], readonly RegExp[]][] = [
    [
      'a successor skipped',
      changed('159d', '1', (one, all) => ({
        successor: peerAt(all, '9').id,
        successors: one.successors.filter(({ id }) => id !== idAt('5')),
      })),
      [
        /^1.example\/0 \(1\w+\) takes 9.example\/0 \(9\w+\) for its successor, but 5.example\/0 .* lies between/,
      ],
    ],
    [
      'no predecessor',
      changed('159d', '5', () => ({ predecessor: undefined, predecessors: [] })),
      [/^5.example\/0 .* knows no predecessor, but it is 1.example\/0/],
    ],
    [
      'itself in a list',
      changed('159d', '5', (one) => ({ successors: [...one.successors, one.peer] })),
      [/^5.* has itself in its successor list/],
    ],
    [
      'somebody twice',
      changed('159d', '5', (one) => ({ successors: [...one.successors.slice(0, 1), ...one.successors] })),
      [/^5.* has 9.example\/0 .* twice in its successor list/],
    ],
    [
      'out of order',
      changed('159d', '5', (one) => ({
        successors: [one.successors[0], one.successors[2], one.successors[1]].flatMap((peer) => peer ?? []),
      })),
      [/^5.* has its successor list out of order/],
    ],
    [
      'one missing in the tail',
      changed('159d', '5', (one) => ({ successors: one.successors.slice(0, 2) })),
      [/^5.* lacks 1.example\/0 .* in its successor list/],
    ],
    [
      'another life',
      changed('159d', '5', (one) => ({
        predecessors: one.predecessors.map((peer) => ({ ...peer, bootSequence: peer.bootSequence + 7 })),
      })),
      [/^5.* knows 1.* in its life \d+, but that is in life/, /knows d/, /knows 9/],
    ],
    [
      'other constants',
      changed('159d', '5', status({ successors: 16 })),
      [/^successors is 8 at 1.*, 9.*, d.*, but 16 at 5/],
    ],
    [
      'the wrong mode',
      changed('159d', '5', status({ mode: 'full' })),
      [/^5.* is in full mode in a ring of 4 with successors 8/],
    ],
    ['not ready', changed('159d', '5', status({ ready: false })), [/^5.* is not ready/]],
    ['no lease', changed('159d', '5', status({ lease: false })), [/^5.* holds no authority lease/]],
  ];
  test.each(cases)('%s', (_, members, words) => {
    const found = texts(members);
    expect(found).toHaveLength(words.length);
    words.forEach((word, index) => {
      expect(found[index]).toMatch(word);
    });
  });

  test('an arc too short: which keys lack a copy, and who holds them', () => {
    const found = texts(changed('159d', '5', status({ arc: { from: idAt('1'), to: idAt('5') } })));
    expect(found[0]).toMatch(/^keys between d.* and 1.* are held by 2 \(1\S+ \(\w+\), 9.*\), not by 3$/);
    expect(found[1]).toMatch(/^keys between 9.* and d.* are held by 2 \(1\S+ \(\w+\), d.*\), not by 3$/);
    expect(found).toHaveLength(2);
  });

  test('an arc too long: one copy too many', () => {
    const found = texts(changed('13579bd', '5', status({ arc: { from: idAt('9'), to: idAt('5') } })));
    expect(found.length).toBeGreaterThan(0);
    for (const text of found) expect(text).toMatch(/are held by 4 \(.*\), not by 3$/);
  });

  test('two rings in one', () => {
    const halves = ['1379', '2468'].flatMap((places) => ideal(places));
    const members = halves.toSorted((a, b) => (a.peer.id < b.peer.id ? -1 : 1));
    expect(texts(members)).toContainEqual(
      expect.stringMatching(/^there are 2 rings, not one: 4 of 1.*, 3.*, 7.*, 9.*; 4 of 2.*, 4.*, 6.*, 8/),
    );
  });

  test('somebody listed who does not answer, by whom', () => {
    const members = ideal('159d').filter(({ peer }) => peer.id !== idAt('9'));
    const found = texts(members, { absent: [{ peer: peerNamed('9', idAt('9')), why: 'silent' }] });
    expect(found[0]).toMatch(/^9.example\/0 .* is listed by 1.*, 5.*, d.* and does not answer/);
  });
});

test('members of one host hold each key once: as many copies as hosts, if these are fewer', () => {
  const members = ideal('15').map((one, index) => ({
    ...one,
    peer: { ...one.peer, domain: 'one.example', vnode: index },
    status: { ...one.status, arc: { from: index === 0 ? idAt('5') : idAt('1'), to: one.peer.id } },
  }));
  expect(texts(members)).toEqual([]);
});

test('what was not found in every walk is not lasting', () => {
  const walk = (...names: string[]) => names.map((name) => ({ name, text: name }));
  const names = (walks: Parameters<typeof lastingFindings>[0]) =>
    lastingFindings(walks).map(({ name }) => name);
  expect(names([walk('a', 'b'), walk('b', 'c'), walk('c', 'b')])).toEqual(['b']);
  expect(names([walk('a'), []])).toEqual([]);
  expect(names([])).toEqual([]);
});
