import { describe, expect, test } from 'vitest';
import { HybridLocation, type HybridOptions } from '../../../src/location/hybrid.ts';
import { PublicLocation } from '../../../src/location/public.ts';
import { FakeRing } from '../../support/fake-ring.ts';
import { contacts, registrarParts, settled } from '../../support/location-world.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { BOB, contact, publication, TENANT } from '../../support/record-world.ts';

const A = 'sip:bob@192.0.2.1:5060';
const B = 'sip:bob@192.0.2.2:5060';
const ROB = { ...BOB, user: 'rob' };

const setUp = (options: Partial<HybridOptions> = {}, own: { readonly tenant?: boolean } = {}) => {
  const clock = new ManualClock();
  const ring = new FakeRing(() => clock.wallMs());
  const parts = registrarParts({ clock, ...own });
  const failures: unknown[] = [];
  const lifecycle = {
    background: (_: string, promise: Promise<unknown>) =>
      void promise.catch((e: unknown) => failures.push(e)),
  };
  const hybrid = new HybridLocation({ ...parts, overlay: ring, lifecycle }, options);
  const elsewhere = new PublicLocation({
    overlay: ring,
    publisher: registrarParts({ clock, selector: 1 }).publisher,
  });
  /** Moves time on until the ring was tried again. */
  const later = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { clock, ring, hybrid, elsewhere, later, failures, store: parts.store };
};

describe('publication: hybrid, with the ring there', () => {
  test('a publication is in the local store and in the ring', async () => {
    const { hybrid, elsewhere, store } = setUp();
    expect((await hybrid.publish(publication({ changes: [contact(A)] }))).kind).toBe('stored');
    expect(store.counts.entries).toBe(1);
    expect(contacts(await elsewhere.query(BOB))).toEqual([A]);
    expect(hybrid.unpublished.waiting).toBe(0);
  });

  test('own users are looked up in both, merged: registered, or removed, at another registrar', async () => {
    const { hybrid, elsewhere, clock } = setUp();
    await hybrid.publish(publication({ changes: [contact(A)], seq: 1 }));
    await elsewhere.publish(publication({ changes: [contact(B)], series: 'other' }));
    expect(contacts(await hybrid.query(BOB))?.sort()).toEqual([A, B]);
    clock.advance(1);
    await elsewhere.publish(publication({ changes: [contact(A, { expiresSec: 0 })], seq: 2 }));
    expect(contacts(await hybrid.query(BOB))).toEqual([B]);
  });

  test('the answer to a publication lists what another registrar holds', async () => {
    const { hybrid, elsewhere } = setUp();
    await elsewhere.publish(publication({ changes: [contact(B)], series: 'other' }));
    expect(contacts(await hybrid.publish(publication({ changes: [contact(A)] })))?.sort()).toEqual([A, B]);
  });

  test('a stale publication is stale although the local store knew no better', async () => {
    const { hybrid, elsewhere, ring } = setUp();
    await elsewhere.publish(publication({ changes: [contact(A, { expiresSec: 0 })], seq: 5 }));
    expect(await hybrid.publish(publication({ changes: [contact(A)], seq: 4 }))).toEqual({ kind: 'stale' });
    await settled();
    ring.state = 'away';
    expect(await hybrid.query(BOB)).toEqual({ kind: 'none' });
  });

  test('names of other domains are asked of the ring, and not published', async () => {
    const { hybrid, ring } = setUp();
    const foreign = { ...BOB, domain: 'atlanta.com' };
    expect(await hybrid.query(foreign)).toEqual({ kind: 'none' });
    ring.state = 'away';
    expect((await hybrid.query(foreign)).kind).toBe('unavailable');
    const refused = await hybrid.publish(publication({ changes: [contact(A)], name: foreign }));
    expect(refused.kind).toBe('refused');
  });
});

describe('publication: hybrid, with the ring down', () => {
  test('the local store alone answers', async () => {
    const { hybrid, ring } = setUp();
    ring.state = 'away';
    expect((await hybrid.publish(publication({ changes: [contact(A)] }))).kind).toBe('stored');
    expect(contacts(await hybrid.query(BOB))).toEqual([A]);
    expect(await hybrid.query(ROB)).toEqual({ kind: 'none' });
  });

  test('a ring that says nothing holds a publication up for its wait and not longer', async () => {
    const { hybrid, ring, later } = setUp();
    ring.state = 'silent';
    const stored = hybrid.publish(publication({ changes: [contact(A)] }));
    await settled();
    await later(1_000);
    expect((await stored).kind).toBe('stored');
  });

  test('what is on its way to the ring still waits until the ring has taken it', async () => {
    const { hybrid, ring, later } = setUp();
    ring.state = 'away';
    await hybrid.publish(publication({ changes: [contact(A)] }));
    ring.state = 'silent';
    await later(10_000);
    expect(hybrid.unpublished.waiting).toBe(1);
  });

  test('what waits is counted, and published with its own version when the ring is back', async () => {
    const { hybrid, elsewhere, ring, later, clock, failures } = setUp();
    ring.state = 'away';
    const asked = clock.wallMs();
    await hybrid.publish(publication({ changes: [contact(A, { expiresSec: 600 })] }));
    await hybrid.publish(publication({ changes: [contact(B, { expiresSec: 600 })], name: ROB }));
    expect(hybrid.unpublished.waiting).toBe(2);
    await later(10_000);
    expect(hybrid.unpublished.waiting).toBe(2);
    ring.state = 'here';
    await later(60_000);
    expect(hybrid.unpublished.waiting).toBe(0);
    const found = await elsewhere.query(BOB);
    expect(found.kind === 'found' && found.bindings[0]?.expiresAtMs).toBe(asked + 600_000);
    expect(contacts(await elsewhere.query(ROB))).toEqual([B]);
    expect(failures).toEqual([]);
  });

  test('what waits of a domain with a key of its own is published, too', async () => {
    const { hybrid, elsewhere, ring, later } = setUp({}, { tenant: true });
    const name = { ...BOB, domain: TENANT.domain };
    ring.state = 'away';
    await hybrid.publish(publication({ changes: [contact(A)], name }));
    await hybrid.publish(publication({ changes: [contact(B)] }));
    expect(hybrid.unpublished.waiting).toBe(2);
    ring.state = 'here';
    await later(60_000);
    expect([contacts(await elsewhere.query(name)), contacts(await elsewhere.query(BOB))]).toEqual([[A], [B]]);
  });

  test('a removal made meanwhile reaches the ring too', async () => {
    const { hybrid, elsewhere, ring, later } = setUp();
    await hybrid.publish(publication({ changes: [contact(A)], seq: 1 }));
    ring.state = 'away';
    await hybrid.publish(publication({ changes: 'all', seq: 2 }));
    ring.state = 'here';
    expect((await elsewhere.query(BOB)).kind).toBe('found');
    await later(60_000);
    expect(await elsewhere.query(BOB)).toEqual({ kind: 'none' });
  });

  test('what expired meanwhile is dropped', async () => {
    const { hybrid, ring, later } = setUp();
    ring.state = 'away';
    await hybrid.publish(publication({ changes: [contact(A, { expiresSec: 60 })] }));
    await later(61_000);
    ring.state = 'here';
    ring.log.length = 0;
    await later(60_000);
    expect([hybrid.unpublished.waiting, ring.log]).toEqual([0, []]);
  });

  test('what the phone did at another registrar meanwhile is not undone', async () => {
    const { hybrid, elsewhere, ring, later, clock } = setUp();
    ring.state = 'away';
    await hybrid.publish(publication({ changes: [contact(A)], seq: 1 }));
    ring.state = 'here';
    clock.advance(100);
    await elsewhere.publish(publication({ changes: 'all', seq: 2 }));
    await later(60_000);
    expect(hybrid.unpublished.waiting).toBe(0);
    expect(await elsewhere.query(BOB)).toEqual({ kind: 'none' });
  });

  test('too many to wait: the oldest falls out and is counted', async () => {
    const { hybrid, ring } = setUp({ unpublishedMax: 1 });
    ring.state = 'away';
    await hybrid.publish(publication({ changes: [contact(A)] }));
    await hybrid.publish(publication({ changes: [contact(B)], name: ROB }));
    expect(hybrid.unpublished).toEqual({ waiting: 1, dropped: 1, refused: 0 });
  });

  test('stopping leaves no timer behind', async () => {
    const { hybrid, ring, clock } = setUp();
    await hybrid.start();
    ring.state = 'away';
    await hybrid.publish(publication({ changes: [contact(A)] }));
    clock.advance(1_000);
    await hybrid.stop();
    clock.advance(1);
    expect(clock.timers).toBe(0);
  });
});
