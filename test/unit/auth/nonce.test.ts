import { describe, expect, test } from 'vitest';
import { Nonces } from '../../../src/auth/nonce.ts';
import type { Random } from '../../../src/runtime/random.ts';

const counting = (): Random => {
  let next = 0;
  return {
    bytes: (count) => {
      next += 1;
      return new Uint8Array(count).fill(next);
    },
    float: () => 0.5,
  };
};
const nonces = (secret = 'secret', lifetimeSec = 300) =>
  new Nonces({ secret: Buffer.from(secret), lifetimeSec, random: counting() });

const scope = { realm: 'biloxi.com', source: '192.0.2.7' };
const now = 1_700_000_000_000;

describe('a nonce', () => {
  test('is good at every registrar that shares the secret, and needs no memory', () => {
    const nonce = nonces().issue(scope, now);
    expect(nonces().judge(nonce, scope, now + 299_000)).toBe('good');
  });

  test('expires after its lifetime', () => {
    const one = nonces();
    const nonce = one.issue(scope, now);
    expect(one.judge(nonce, scope, now + 300_000)).toBe('good');
    expect(one.judge(nonce, scope, now + 300_001)).toBe('expired');
  });

  test('of a registrar whose clock is a minute ahead is good, further ahead it is not', () => {
    const one = nonces();
    expect(one.judge(one.issue(scope, now + 60_000), scope, now)).toBe('good');
    expect(one.judge(one.issue(scope, now + 60_001), scope, now)).toBe('expired');
  });

  test.each([
    ['another address', { ...scope, source: '192.0.2.8' }],
    ['another realm', { ...scope, realm: 'atlanta.com' }],
    ['a realm and address that read the same when joined', { realm: 'biloxi.com:', source: '92.0.2.7' }],
  ])('shown with %s is foreign', (_, other) => {
    const one = nonces();
    expect(one.judge(one.issue(scope, now), other, now)).toBe('foreign');
  });

  test('made under another secret is foreign', () => {
    expect(nonces('other').judge(nonces().issue(scope, now), scope, now)).toBe('foreign');
  });

  test('is never the same twice, even in one millisecond', () => {
    const one = nonces();
    expect(one.issue(scope, now)).not.toBe(one.issue(scope, now));
  });

  test.each(['', 'x', 'a'.repeat(39), 'a'.repeat(40), '!'.repeat(40), 'a'.repeat(100_000)])(
    'that was made up is foreign (%#)',
    (made) => {
      expect(nonces().judge(made, scope, now)).toBe('foreign');
    },
  );

  test('with any one character changed is foreign', () => {
    const one = nonces();
    const nonce = one.issue(scope, now);
    for (let at = 0; at < nonce.length; at += 1) {
      const changed = nonce.slice(0, at) + (nonce[at] === 'A' ? 'B' : 'A') + nonce.slice(at + 1);
      expect(one.judge(changed, scope, now)).toBe('foreign');
    }
  });
});
