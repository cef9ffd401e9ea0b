import { describe, expect, test } from 'vitest';
import { type CheckContext, refusalOf, unmetBy } from '../../../src/sip/checks.ts';
import { requestOf } from '../../support/sip-request.ts';

const context: CheckContext = {
  serves: (method) => method !== 'PUBLISH' && method !== 'NOBODYS',
  allow: 'INVITE, ACK',
  supported: new Set(['path']),
  isOurs: (uri) => uri.includes('example.com'),
};
const refusal = (given: Parameters<typeof requestOf>[0]) => refusalOf(requestOf(given), context);
const unmet = (given: Parameters<typeof requestOf>[0]) => unmetBy(requestOf(given), context);

describe('what is refused before a handler sees it', () => {
  test('a method nobody has heard of and nobody serves: 501 with Allow', () => {
    expect(refusal({ method: 'NOBODYS' })).toEqual({ status: 501, headers: [['Allow', 'INVITE, ACK']] });
  });

  test('a method that is known and not served: 405 with Allow', () => {
    expect(refusal({ method: 'PUBLISH' })).toEqual({ status: 405, headers: [['Allow', 'INVITE, ACK']] });
  });

  test.each([
    ['nobodyKnowsThisScheme:opaque', 416],
    ['soap.beep://192.0.2.103:3002', 416],
    ['sip:bob@example.com', undefined],
    ['SIPS:bob@example.com', undefined],
    ['tel:+15551234', undefined],
    [':x', 416],
  ])('the scheme of %s: %s', (uri, status) => {
    expect(refusal({ uri })?.status).toBe(status);
  });

  test.each([
    ['INVITE', 483],
    ['OPTIONS', undefined],
    ['REGISTER', undefined],
  ])('%s with Max-Forwards 0: %s', (method, status) => {
    expect(refusal({ method, maxForwards: 0 })?.status).toBe(status);
  });

  test('on the way to somebody else Proxy-Require counts and Require does not', () => {
    const uri = 'sip:carol@elsewhere.example';
    expect(refusal({ uri, headers: ['Require: nope'] })).toBeUndefined();
    expect(refusal({ uri, headers: ['Proxy-Require: nope'] })?.headers).toEqual([['Unsupported', 'nope']]);
    expect(refusal({ uri, headers: ['Proxy-Require: a b'] })?.status).toBe(400);
    // RFC 4475 §3.3.5: "Any element receiving this request will respond with a 420".
    expect(refusal({ headers: ['Proxy-Require: nope'] })?.status).toBe(420);
    expect(refusal({ method: 'REGISTER', headers: ['Proxy-Require: nope'] })).toBeUndefined();
  });

  test('what a redirection ignores is left to its handler (RFC 3261 8.3)', () => {
    expect(refusal({ method: 'NEWMETHOD', headers: ['Require: nope'] })).toBeUndefined();
  });
});

describe('what refuses a request for one of ours that is not redirected', () => {
  test('a method nobody has heard of: 501 with Allow', () => {
    expect(unmet({ method: 'RE%47IST%45R' })).toEqual({ status: 501, headers: [['Allow', 'INVITE, ACK']] });
    expect(unmet({ method: 'invite' })?.status).toBe(501);
  });

  test('an option tag that nobody registered: 420 with all of them in Unsupported', () => {
    expect(unmet({ headers: ['Require: nope, 100rel', 'Require: neither'] })).toEqual({
      status: 420,
      headers: [['Unsupported', 'nope, neither']],
    });
  });

  test('what only the phone must understand passes; a registrar must understand all', () => {
    expect(unmet({ headers: ['Require: 100rel, timer'] })).toBeUndefined();
    expect(unmet({ method: 'REGISTER', headers: ['Require: path'] })).toBeUndefined();
    expect(unmet({ method: 'REGISTER', headers: ['Require: 100rel'] })?.status).toBe(420);
  });

  test('a list of option tags that is none: 400', () => {
    expect(unmet({ headers: ['Require: a b'] })?.status).toBe(400);
  });

  test('is nothing where it is for somebody else', () => {
    expect(unmet({ uri: 'sip:carol@elsewhere.example', method: 'NEWMETHOD' })).toBeUndefined();
  });
});
