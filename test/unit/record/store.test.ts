import { describe, expect, test } from 'vitest';
import type { RecordStorePort } from '../../../src/dht/types.ts';
import { decodeOwnEntry, sealedIn, withoutPayload } from '../../../src/record/entry-codec.ts';
import type { Id } from '../../../src/record/id.ts';
import { nameKeys } from '../../../src/record/keys.ts';
import { RecordStore, type StoreOptions } from '../../../src/record/store.ts';
import type { KeyAnswer } from '../../../src/record/types.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';
import {
  BOB,
  BOB_KEYS,
  contact,
  entriesOf,
  NOW_MS,
  OVERLAY,
  registrar,
  testVerifier,
} from '../../support/record-world.ts';

const A = 'sip:bob@192.0.2.1:5060';
const key = BOB_KEYS.key;
const HOUR = 3_600_000;

const setUp = (options: Partial<StoreOptions> = {}) => {
  let nowMs = NOW_MS;
  const store = new RecordStore({ verifier: testVerifier(), wallMs: () => nowMs }, options);
  const port: RecordStorePort = store;
  return {
    store,
    port,
    later: (ms: number) => {
      nowMs += ms;
      return nowMs;
    },
  };
};
const kindOf = async (store: RecordStore, wish: Parameters<typeof entriesOf>[0]) =>
  (await store.publish(key, entriesOf(wish))).kind;

describe('publish', () => {
  test('stores and answers what is live', async () => {
    const { store, port } = setUp();
    const entries = entriesOf({ changes: [contact(A), contact('sip:bob@192.0.2.2')] });
    const verdict = await port.publish(key, entries);
    expect(verdict.kind === 'stored' && verdict.live).toHaveLength(2);
    expect(store.counts).toMatchObject({ keys: 1, entries: 2 });
  });

  test('a retransmission, also through another registrar, is stored and adds nothing', async () => {
    const { store } = setUp();
    expect(await kindOf(store, { changes: [contact(A)], seq: 3 })).toBe('stored');
    expect(await kindOf(store, { changes: [contact(A)], seq: 3 })).toBe('stored');
    expect(await kindOf(store, { changes: [contact(A)], seq: 3, atMs: 100, selector: 1 })).toBe('stored');
    expect(store.live(key)).toHaveLength(1);
  });

  test('shows something while a binding is alive; what expired or was removed stays live and shows nothing', async () => {
    const { store, later } = setUp();
    expect(store.shows(key)).toBe(false);
    await kindOf(store, { changes: [contact(A, { expiresSec: 60 })] });
    expect(store.shows(key)).toBe(true);
    later(61_000);
    expect(store.live(key)).toHaveLength(1);
    expect(store.shows(key)).toBe(false);
    await kindOf(store, { changes: [contact(A)], seq: 2, atMs: 61_000 });
    expect(store.shows(key)).toBe(true);
    await kindOf(store, { changes: [contact(A, { expiresSec: 0 })], seq: 3, atMs: 61_001 });
    expect(store.live(key)).toHaveLength(1);
    expect(store.shows(key)).toBe(false);
  });

  test('a lower seq in a held series is stale and changes nothing (RFC 3261 §10.3 step 7)', async () => {
    const { store } = setUp();
    await kindOf(store, { changes: [contact(A)], seq: 3 });
    const before = store.digest(key);
    expect(await kindOf(store, { changes: [contact(A, { expiresSec: 0 })], seq: 2, atMs: 5 })).toBe('stale');
    expect(await kindOf(store, { changes: 'all', seq: 2, atMs: 5 })).toBe('stale');
    expect(store.digest(key)).toEqual(before);
  });

  test('a lower seq of the same series for another contact is not stale', async () => {
    const { store } = setUp();
    await kindOf(store, { changes: [contact(A)], seq: 3 });
    expect(await kindOf(store, { changes: [contact('sip:bob@192.0.2.2')], seq: 2 })).toBe('stored');
  });

  test('a lower seq after a removal of the series is stale: it does not come back', async () => {
    const { store } = setUp();
    await kindOf(store, { changes: 'all', seq: 3 });
    expect(await kindOf(store, { changes: [contact(A)], seq: 2, atMs: 5 })).toBe('stale');
  });

  test('one bad entry and none is stored', async () => {
    const { store } = setUp();
    const [good = new Uint8Array()] = entriesOf({ changes: [contact(A)] });
    const [foreign = new Uint8Array()] = entriesOf({
      changes: [contact(A)],
      name: { ...BOB, user: 'rob' },
    });
    expect((await store.publish(key, [good, foreign])).kind).toBe('refused');
    expect((await store.publish(key, [good, Uint8Array.of(1)])).kind).toBe('refused');
    expect(store.counts.entries).toBe(0);
  });

  test('nothing, and too much at once, is refused', async () => {
    const { store } = setUp();
    const [good = new Uint8Array()] = entriesOf({ changes: [contact(A)] });
    expect((await store.publish(key, [])).kind).toBe('refused');
    expect(
      (
        await store.publish(
          key,
          Array.from({ length: 25 }, () => good),
        )
      ).kind,
    ).toBe('refused');
  });

  test.each([
    ['more than SKEW ahead', { atMs: 60_001 }, 'refused'],
    ['just within SKEW', { atMs: 60_000 }, 'stored'],
    ['past retention', { atMs: -HOUR - 240_000 }, 'refused'],
    ['an hour old', { atMs: -HOUR }, 'stored'],
  ])('a version %s', async (_, wish, expected) => {
    const { store } = setUp();
    expect(await kindOf(store, { changes: [contact(A)], ...wish })).toBe(expected);
  });

  test('a lifetime above LMAX is refused', async () => {
    const { store } = setUp();
    expect(await kindOf(store, { changes: [contact(A, { expiresSec: 3601 })] })).toBe('refused');
  });

  test('a binding without payload is not published', async () => {
    const { store, port } = setUp();
    const [entry = new Uint8Array()] = entriesOf({ changes: [contact(A)] });
    const bare = withoutPayload(decodeOwnEntry(entry)).bytes;
    expect((await port.publish(key, [bare])).kind).toBe('refused');
    expect(store.counts.keys).toBe(0);
  });
});

describe('bounds', () => {
  test('a full node says so by name', async () => {
    const { store } = setUp({ bytesMax: 1500 });
    await kindOf(store, { changes: [contact(A)] });
    const verdict = await store.publish(key, entriesOf({ changes: [contact('sip:bob@192.0.2.2')] }));
    expect(verdict).toEqual({ kind: 'quota', detail: 'this node is full' });
  });

  test('a domain’s share says so by name, and a removal still goes in', async () => {
    const { store } = setUp({ domainBytesMax: 1500 });
    await kindOf(store, { changes: [contact(A)] });
    const verdict = await store.publish(key, entriesOf({ changes: [contact('sip:bob@192.0.2.2')] }));
    expect(verdict).toEqual({ kind: 'quota', detail: 'the share of biloxi.com is used up' });
    expect(await kindOf(store, { changes: [contact(A, { expiresSec: 0 })], seq: 2, atMs: 1 })).toBe('stored');
  });

  test('what leaves is given back', async () => {
    const { store } = setUp();
    await kindOf(store, { changes: [contact(A)] });
    store.drop(key);
    expect(store.counts).toEqual({ keys: 0, entries: 0, bytes: 0 });
    expect(store.keysIn({ from: key, to: key })).toEqual([]);
  });
});

describe('retention', () => {
  test('a tombstone stays until version + LMAX + 4·SKEW, then goes', async () => {
    const { store, later } = setUp();
    await kindOf(store, { changes: [contact(A, { expiresSec: 0 })] });
    expect(store.expire(later(HOUR + 239_999))).toBe(0);
    expect(store.expire(later(1))).toBe(1);
    expect(store.counts.keys).toBe(0);
  });

  test('an expired binding is not shown, and does not come back by SYNC after retention', async () => {
    const { store, later } = setUp();
    const entries = entriesOf({ changes: [contact(A, { expiresSec: 60 })] });
    await store.publish(key, entries);
    later(60_000);
    // Its state travels without payload, to outrank older copies elsewhere.
    expect(store.live(key).map((bytes) => sealedIn(decodeOwnEntry(bytes)))).toEqual([undefined]);
    store.expire(later(2 * HOUR));
    expect(await store.absorb(key, entries)).toBe(0);
    expect(store.counts.keys).toBe(0);
  });
});

describe('between replicas', () => {
  test('absorb takes what is new, once, and leaves out what is forged', async () => {
    const { store } = setUp();
    const entries = entriesOf({ changes: [contact(A), contact('sip:bob@192.0.2.2')] });
    expect(await store.absorb(key, [...entries, Uint8Array.of(1, 2)])).toBe(2);
    expect(await store.absorb(key, entries)).toBe(0);
  });

  test('what had to be left out, but may be good, makes a name uncertain until it comes again or has expired', async () => {
    let nowMs = NOW_MS;
    let answer: KeyAnswer = { kind: 'unavailable' };
    const verifier = new EntryVerifier({ keys: { resolve: async () => answer }, overlayId: OVERLAY });
    const store = new RecordStore({ verifier, wallMs: () => nowMs });
    const records = entriesOf({ changes: [contact(A)] });
    expect(store.certain(key)).toBe(true);
    expect(await store.absorb(key, records)).toBe(0);
    expect(store.certain(key)).toBe(false);
    nowMs += 2 * HOUR;
    expect(store.certain(key)).toBe(true);
    nowMs = NOW_MS;
    answer = { kind: 'key', publicKey: registrar().publicKey };
    expect(await store.absorb(key, records)).toBe(1);
    expect(store.certain(key)).toBe(true);
    const ahead = entriesOf({ changes: [contact(A)], seq: 2, atMs: HOUR / 2 });
    await store.absorb(key, ahead);
    expect(store.certain(key)).toBe(false);
    answer = { kind: 'unknown' };
    await store.absorb(key, records);
    expect(store.certain(key)).toBe(true);
  });

  test('absorb asks for no admission: a lower seq merges', async () => {
    const { store } = setUp();
    await kindOf(store, { changes: [contact(A)], seq: 3 });
    expect(await store.absorb(key, entriesOf({ changes: [contact(A)], seq: 2 }))).toBe(0);
    expect(store.live(key)).toHaveLength(1);
  });

  test('a removal reaches a replica that missed it', async () => {
    const [one, two] = [setUp().store, setUp().store];
    const binding = entriesOf({ changes: [contact(A)], seq: 1 });
    await one.publish(key, binding);
    await two.publish(key, binding);
    await one.publish(key, entriesOf({ changes: 'all', seq: 2, atMs: 1 }));
    expect(await two.absorb(key, one.records(key))).toBe(1);
    expect(two.records(key)).toEqual(one.records(key));
  });

  test('digests depend on what is held and not on the order it came in', async () => {
    const [one, two] = [setUp().store, setUp().store];
    const first = entriesOf({ changes: [contact(A)], series: 'a' });
    const second = entriesOf({ changes: [contact('sip:bob@192.0.2.2')], series: 'b' });
    await one.publish(key, first);
    const alone = one.digest(key);
    await one.publish(key, second);
    await two.publish(key, second);
    await two.publish(key, first);
    expect(one.digest(key)).toEqual(two.digest(key));
    expect(one.digest(key)).toHaveLength(8);
    expect(one.digest(key)).not.toEqual(alone);
    expect(one.digest('00' as Id)).toBeUndefined();
  });

  test('keys come by arc, clockwise', async () => {
    const { store } = setUp();
    const names = ['a', 'b', 'c', 'd'].map((user) => ({ ...BOB, user }));
    for (const name of names) {
      await store.publish(nameKeys(name).key, entriesOf({ changes: [contact(A)], name }));
    }
    const [k0, k1, k2, k3] = names.map((name) => nameKeys(name).key).sort();
    if (k0 === undefined || k1 === undefined || k2 === undefined || k3 === undefined)
      throw new Error('no keys');
    expect(store.keysIn({ from: k0, to: k2 })).toEqual([k1, k2]);
    expect(store.keysIn({ from: k2, to: k0 })).toEqual([k3, k0]);
    expect(store.keysIn({ from: k1, to: k1 })).toEqual([k2, k3, k0, k1]);
  });
});
