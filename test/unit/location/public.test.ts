import { describe, expect, test } from 'vitest';
import { PublicLocation } from '../../../src/location/public.ts';
import { FakeRing } from '../../support/fake-ring.ts';
import { contacts, registrarParts } from '../../support/location-world.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { BOB, contact, publication } from '../../support/record-world.ts';

const A = 'sip:bob@192.0.2.1:5060';
const B = 'sip:bob@192.0.2.2:5060';

const setUp = () => {
  const clock = new ManualClock();
  const ring = new FakeRing(() => clock.wallMs());
  const at = (selector: number, offMs = 0) =>
    new PublicLocation({ overlay: ring, publisher: registrarParts({ selector, offMs, clock }).publisher });
  return { clock, ring, at };
};

describe('publication: public', () => {
  test('what one registrar publishes another finds', async () => {
    const { at } = setUp();
    expect(await at(0).query(BOB)).toEqual({ kind: 'none' });
    expect((await at(0).publish(publication({ changes: [contact(A)] }))).kind).toBe('stored');
    expect(contacts(await at(1).query(BOB))).toEqual([A]);
  });

  test('a retransmitted REGISTER at another registrar is answered like the first', async () => {
    const { at, clock } = setUp();
    const wish = publication({ changes: [contact(A)], seq: 4 });
    const first = await at(0).publish(wish);
    clock.advance(500);
    const again = await at(1).publish(wish);
    expect([again.kind, contacts(again)]).toEqual(['stored', contacts(first)]);
  });

  test('a lower seq is stale wherever it arrives', async () => {
    const { at } = setUp();
    await at(0).publish(publication({ changes: [contact(A)], seq: 2 }));
    expect(await at(1).publish(publication({ changes: [contact(A)], seq: 1 }))).toEqual({ kind: 'stale' });
  });

  test('a ring that can’t take it is unavailable, for writing and for reading', async () => {
    const { at, ring } = setUp();
    ring.state = 'away';
    expect((await at(0).publish(publication({ changes: [contact(A)] }))).kind).toBe('unavailable');
    expect((await at(0).query(BOB)).kind).toBe('unavailable');
  });
});

describe('two registrars with clocks 40 s apart', () => {
  test('`*` at the slow one removes what the fast one registered', async () => {
    const { at, ring } = setUp();
    await at(0, 40_000).publish(publication({ changes: [contact(A)], series: 'fast' }));
    const removed = await at(1).publish(publication({ changes: 'all', series: 'slow' }));
    expect(removed).toEqual({ kind: 'stored', bindings: [] });
    expect(ring.log).toEqual(['publish', 'publish', 'publish']);
    expect(await at(2).query(BOB)).toEqual({ kind: 'none' });
  });

  test('a REGISTER at the slow one is found after a `*` at the fast one, and lives no longer than asked', async () => {
    const { at, clock } = setUp();
    await at(0, 40_000).publish(publication({ changes: 'all', series: 'fast' }));
    const stored = await at(1).publish(
      publication({ changes: [contact(A, { expiresSec: 600 })], series: 'slow' }),
    );
    expect(contacts(stored)).toEqual([A]);
    const found = await at(2).query(BOB);
    const [binding] = found.kind === 'found' ? found.bindings : [];
    expect(binding?.expiresAtMs).toBeLessThanOrEqual(clock.wallMs() + 600_000);
  });

  test('a removal of one contact at the slow one takes effect, and so does a new registration', async () => {
    const { at } = setUp();
    await at(0, 40_000).publish(publication({ changes: [contact(A), contact(B)], series: 'fast' }));
    const removed = await at(1).publish(
      publication({ changes: [contact(A, { expiresSec: 0 })], series: 'slow' }),
    );
    expect(contacts(removed)).toEqual([B]);
    await at(1).publish(publication({ changes: [contact(A)], series: 'third' }));
    expect(contacts(await at(2).query(BOB))?.sort()).toEqual([A, B]);
  });

  test('the same series at a slow clock needs no second publication: the seq decides', async () => {
    const { at, ring } = setUp();
    await at(0, 40_000).publish(publication({ changes: [contact(A)], seq: 1 }));
    const removed = await at(1).publish(publication({ changes: [contact(A, { expiresSec: 0 })], seq: 2 }));
    expect(removed).toEqual({ kind: 'stored', bindings: [] });
    expect(ring.log).toHaveLength(2);
  });

  test('clocks further apart than SKEW end as unavailable, never as a false 200', async () => {
    const { at } = setUp();
    await at(0, 50_000).publish(publication({ changes: 'all', series: 'fast' }));
    const late = await at(1, -50_000).publish(publication({ changes: [contact(A)], series: 'slow' }));
    expect(late.kind).toBe('unavailable');
  });
});

describe('queries', () => {
  test('at once for one name are one lookup', async () => {
    const { at, ring } = setUp();
    const location = at(0);
    await location.publish(publication({ changes: [contact(A)] }));
    const answers = await Promise.all([location.query(BOB), location.query(BOB), location.query(BOB)]);
    expect(answers.map((answer) => answer.kind)).toEqual(['found', 'found', 'found']);
    expect(ring.log).toEqual(['publish', 'query']);
  });

  test('after a publication do not join one that was asked before it', async () => {
    const { at, ring } = setUp();
    const location = at(0);
    let release: () => void = () => undefined;
    ring.meanwhile = () => new Promise((resolve) => (release = resolve));
    const before = location.query(BOB);
    await location.publish(publication({ changes: [contact(A)] }));
    expect((await location.query(BOB)).kind).toBe('found');
    release();
    await before;
  });

  test('above the bound are unavailable at once', async () => {
    const { ring, clock } = setUp();
    const { publisher } = registrarParts({ clock });
    const location = new PublicLocation({ overlay: ring, publisher }, { queriesMax: 1 });
    ring.state = 'silent';
    void location.query(BOB);
    expect((await location.query({ ...BOB, user: 'rob' })).kind).toBe('unavailable');
  });
});
