import { describe, expect, test } from 'vitest';
import {
  type DigestAlgorithm,
  type DigestCredentials,
  digestHa1,
  digestResponse,
  formatChallenge,
  responseMatches,
} from '../../../src/auth/digest.ts';

const mufasa = (algorithm: DigestAlgorithm): DigestCredentials => ({
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  uri: '/dir/index.html',
  algorithm,
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  nc: '00000001',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  qop: 'auth',
  response: '',
});
const circle = { user: 'Mufasa', realm: 'http-auth@example.org', password: 'Circle of Life' };

describe('responses', () => {
  test('the example of MD5 comes out, RFC 7616 3.9.1', () => {
    expect(digestResponse('MD5', digestHa1('MD5', circle), 'GET', mufasa('MD5'))).toBe(
      '8ca523f5e9506fed4657c9700eebdbec',
    );
  });

  test('the example of SHA-256 comes out, RFC 7616 3.9.1', () => {
    expect(digestResponse('SHA-256', digestHa1('SHA-256', circle), 'GET', mufasa('SHA-256'))).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
  });

  test('the example of SHA-512-256 comes out by FIPS 180-4, RFC 7616 3.9.2', () => {
    const ha1 = digestHa1('SHA-512-256', {
      user: 'Jäsøn Doe',
      realm: 'api@example.org',
      password: 'Secret, or not?',
    });
    const credentials = {
      ...mufasa('SHA-512-256'),
      uri: '/doe.json',
      nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
      cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
    };
    // The value printed in the RFC (ae66e67d…) is SHA-512 cut to 256 bits, not the SHA-512/256 that §3.2 names: this one is
    // printf … | openssl dgst -sha512-256.
    expect(digestResponse('SHA-512-256', ha1, 'GET', credentials)).toBe(
      '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5',
    );
  });

  test('the example of HTTP/1.1 comes out, RFC 2617 3.5', () => {
    const ha1 = digestHa1('MD5', { user: 'Mufasa', realm: 'testrealm@host.com', password: 'Circle Of Life' });
    const credentials = {
      username: 'Mufasa',
      realm: 'testrealm@host.com',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      uri: '/dir/index.html',
      qop: 'auth',
      nc: '00000001',
      cnonce: '0a4f113b',
      response: '',
    };
    expect(ha1).toBe('939e7578ed9e3c518a452acee763bce9');
    expect(digestResponse('MD5', ha1, 'GET', credentials)).toBe('6629fae49393a05397450978507c4ef1');
  });

  test('without qop the response is that of RFC 2069, RFC 8760 2.6 (8)', () => {
    const ha1 = digestHa1('MD5', { user: 'bob', realm: 'biloxi.com', password: 'zanzibar' });
    const credentials = {
      username: 'bob',
      realm: 'biloxi.com',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      uri: 'sip:bob@biloxi.com',
      response: '',
    };
    // The values that Robert Sparks' SIP digest examples give for this case (draft-smith-sipping-auth-examples-01 §3.1).
    expect(digestResponse('MD5', ha1, 'INVITE', credentials)).toBe('bf57e4e0d0bffc0fbaedce64d59add5e');
  });

  test('with qop and an explicit algorithm the same examples hold, RFC 3261 22.4', () => {
    const ha1 = digestHa1('MD5', { user: 'bob', realm: 'biloxi.com', password: 'zanzibar' });
    const credentials = {
      username: 'bob',
      realm: 'biloxi.com',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      uri: 'sip:bob@biloxi.com',
      qop: 'auth',
      nc: '00000001',
      cnonce: '0a4f113b',
      response: '',
    };
    expect(digestResponse('MD5', ha1, 'INVITE', credentials)).toBe('89eb0059246c02b2f6ee02c7961d5ea3');
  });
});

describe('what does not match', () => {
  const ha1 = digestHa1('MD5', circle);
  const right = { ...mufasa('MD5'), response: '8ca523f5e9506fed4657c9700eebdbec' };
  test.each([
    ['another method', 'PUT', right],
    ['another URI', 'GET', { ...right, uri: '/dir/other.html' }],
    ['another nonce', 'GET', { ...right, nonce: 'x' }],
    ['another count', 'GET', { ...right, nc: '00000002' }],
    ['an empty response', 'GET', { ...right, response: '' }],
    ['a response that goes on', 'GET', { ...right, response: `${right.response}0` }],
    ['integrity protection, which was not offered', 'GET', { ...right, qop: 'auth-int' }],
  ] as const)('%s', (_, method, credentials) => {
    expect(responseMatches('MD5', ha1, method, credentials)).toBe(false);
  });

  test('qop without cnonce or nc, RFC 7616 3.4', () => {
    const { cnonce, ...noCnonce } = right;
    const { nc, ...noNc } = right;
    expect([cnonce, nc].every((value) => value !== undefined)).toBe(true);
    expect(responseMatches('MD5', ha1, 'GET', noCnonce)).toBe(false);
    expect(responseMatches('MD5', ha1, 'GET', noNc)).toBe(false);
  });

  test('the right one does, in upper case too', () => {
    expect(responseMatches('MD5', ha1, 'GET', right)).toBe(true);
    expect(responseMatches('MD5', ha1, 'GET', { ...right, response: right.response.toUpperCase() })).toBe(
      true,
    );
  });
});

describe('challenges', () => {
  test('always carry qop, and the algorithm unquoted, RFC 8760 2.6 (8), RFC 3261 25.1', () => {
    expect(formatChallenge({ realm: 'biloxi.com', nonce: 'abc', algorithm: 'SHA-256', stale: false })).toBe(
      'Digest realm="biloxi.com", nonce="abc", algorithm=SHA-256, qop="auth"',
    );
  });

  test('say stale only when it is so', () => {
    expect(formatChallenge({ realm: 'b', nonce: 'n', algorithm: 'MD5', stale: true })).toMatch(
      /, stale=true$/,
    );
  });

  test('escape what would end the quotes', () => {
    expect(formatChallenge({ realm: 'a"b\\c', nonce: 'n', algorithm: 'MD5', stale: false })).toContain(
      'realm="a\\"b\\\\c"',
    );
  });
});
