import { describe, expect, test } from 'vitest';
import { LocalLocation } from '../../../src/location/local.ts';
import { contacts, registrarParts } from '../../support/location-world.ts';
import { BOB, contact, publication } from '../../support/record-world.ts';

const A = 'sip:bob@192.0.2.1:5060';
const B = 'sip:bob@192.0.2.2:5060';
const setUp = () => {
  const parts = registrarParts();
  return { ...parts, location: new LocalLocation(parts) };
};

describe('publication: local', () => {
  test('what is published is found, with its remaining life', async () => {
    const { location, clock } = setUp();
    const change = contact(A, {
      q: 0.7,
      params: [{ name: 'audio' }],
      path: ['<sip:edge;lr>'],
      expiresSec: 60,
    });
    const stored = await location.publish(publication({ changes: [change] }));
    const { expiresSec: _, ...expected } = change;
    const bindings = [{ ...expected, expiresAtMs: clock.wallMs() + 60_000 }];
    expect(stored).toEqual({ kind: 'stored', bindings });
    expect(await location.query(BOB)).toEqual({ kind: 'found', bindings });
  });

  test('by q, of equal q the newest first', async () => {
    const { location, manual } = setUp();
    await location.publish(publication({ changes: [contact(A, { q: 0.5 })], seq: 1 }));
    manual.advance(10);
    await location.publish(publication({ changes: [contact(B, { q: 0.5 })], seq: 2 }));
    manual.advance(10);
    const stored = await location.publish(publication({ changes: [contact('sip:c@h', { q: 0.9 })], seq: 3 }));
    expect(contacts(stored)).toEqual(['sip:c@h', B, A]);
  });

  test('a lower seq is stale, an equal one is answered like the first', async () => {
    const { location } = setUp();
    const first = await location.publish(publication({ changes: [contact(A)], seq: 2 }));
    expect(await location.publish(publication({ changes: [contact(B), contact(A)], seq: 1 }))).toEqual({
      kind: 'stale',
    });
    const again = await location.publish(publication({ changes: [contact(A)], seq: 2 }));
    expect(contacts(again)).toEqual(contacts(first));
  });

  test('`*` removes all, and nothing is there after expiry', async () => {
    const { location, manual } = setUp();
    await location.publish(publication({ changes: [contact(A), contact(B)], seq: 1 }));
    expect(await location.publish(publication({ changes: 'all', seq: 2 }))).toEqual({
      kind: 'stored',
      bindings: [],
    });
    expect(await location.query(BOB)).toEqual({ kind: 'none' });
    await location.publish(publication({ changes: [contact(A, { expiresSec: 60 })], seq: 3 }));
    manual.advance(60_000);
    expect(await location.query(BOB)).toEqual({ kind: 'none' });
  });

  test('a name of another domain is refused to write and unknown to read', async () => {
    const { location } = setUp();
    const name = { ...BOB, domain: 'atlanta.com' };
    expect(await location.publish(publication({ changes: [contact(A)], name }))).toEqual({
      kind: 'refused',
      reason: 'atlanta.com is not a domain of ours',
      cause: 'not-ours',
    });
    expect(await location.query(name)).toEqual({ kind: 'none' });
  });

  test('a contact that does not fit is refused in words', async () => {
    const { location } = setUp();
    const long = contact(`sip:${'x'.repeat(700)}@192.0.2.1`);
    const result = await location.publish(publication({ changes: [long] }));
    expect(result).toMatchObject({
      kind: 'refused',
      cause: 'too-large',
      reason: expect.stringMatching(/contact too long/),
    });
  });

  test('the store is relieved of what is past retention', async () => {
    const { location, store, manual } = setUp();
    await location.start();
    await location.publish(publication({ changes: [contact(A, { expiresSec: 60 })] }));
    manual.advance(3_600_000 + 300_000);
    expect(store.counts.keys).toBe(0);
    await location.stop();
    expect(manual.timers).toBe(0);
  });
});
