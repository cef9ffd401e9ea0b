import { describe, expect, test } from 'vitest';
import { nameKeys } from '../../../src/record/keys.ts';
import { openSealed, seal } from '../../../src/record/seal.ts';
import { BOB, BOB_KEYS, contact } from '../../support/record-world.ts';

const core = Uint8Array.of(1, 2, 3);
const random = new Uint8Array(16).fill(9);
const change = contact('sip:bob@192.0.2.1:5060', {
  canonicalContact: 'sip:bob@192.0.2.1',
  instance: 'urn:uuid:1',
  regId: 1,
  q: 0.5,
  params: [{ name: 'audio' }, { name: 'methods', value: '"INVITE"' }],
  path: ['<sip:edge.biloxi.com;lr>'],
  userAgent: 'baresip v3',
});
const sealed = seal(change, { secret: BOB_KEYS.secret, core, random });

describe('the sealed part', () => {
  test('opens for who can spell the name', () => {
    const { expiresSec: _, ...expected } = change;
    expect(openSealed(sealed, { secret: BOB_KEYS.secret, core })).toEqual(expected);
  });

  test('does not open for another name, another core, or when changed', () => {
    const other = nameKeys({ ...BOB, user: 'rob' }).secret;
    const changed = Uint8Array.from(sealed);
    changed[20] = (changed[20] ?? 0) ^ 1;
    expect(openSealed(sealed, { secret: other, core })).toBeUndefined();
    expect(openSealed(sealed, { secret: BOB_KEYS.secret, core: Uint8Array.of(1, 2, 4) })).toBeUndefined();
    expect(openSealed(changed, { secret: BOB_KEYS.secret, core })).toBeUndefined();
    expect(openSealed(new Uint8Array(31), { secret: BOB_KEYS.secret, core })).toBeUndefined();
  });

  test('shows nothing of the contact', () => {
    expect(Buffer.from(sealed).includes('192.0.2.1')).toBe(false);
  });

  test('cuts a user agent to 64 bytes between characters', () => {
    const long = seal(contact('sip:b@h', { userAgent: 'ü'.repeat(40) }), {
      secret: BOB_KEYS.secret,
      core,
      random,
    });
    expect(openSealed(long, { secret: BOB_KEYS.secret, core })?.userAgent).toBe('ü'.repeat(32));
  });
});
