import { describe, expect, test } from 'vitest';
import { parseSipUri } from '../../../src/uri/parse.ts';
import { createSelf, defaultPort, isOwnContactAddress, ownDomain, type Self } from '../../../src/uri/self.ts';
import type { SipUri } from '../../../src/uri/types.ts';

const uriOf = (text: string): SipUri => {
  const read = parseSipUri(text);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

const self: Self = createSelf({
  domains: ['Biloxi.com', 'tenant.example'],
  aliases: ['pbx.biloxi.com'],
  aliasesOf: new Map([['Sip.Tenant.example', 'tenant.example']]),
  listeners: [
    { bound: { host: '127.0.0.1', port: 5060 }, advertised: { host: '127.0.0.1', port: 5060 } },
    { bound: { host: '10.0.0.5', port: 5070 }, advertised: { host: 'sip.biloxi.com', port: 15070 } },
    { bound: { host: '2001:db8::5', port: 5061 }, advertised: { host: '2001:DB8::5', port: 5061 } },
  ],
});

describe('the domain a URI is ours by', () => {
  test.each([
    // A domain name (or alias) is us without a port or with one of our ports.
    ['sip:bob@biloxi.com', 'biloxi.com'],
    ['sip:bob@BILOXI.COM.', 'biloxi.com'],
    ['sip:bob@biloxi.com:5060', 'biloxi.com'],
    ['sip:bob@biloxi.com:15070', 'biloxi.com'],
    ['sip:bob@biloxi.com:9999', undefined],
    ['sip:bob@pbx.biloxi.com', 'biloxi.com'],
    ['sip:bob@tenant.example:5070', 'tenant.example'],
    ['sip:bob@sip.tenant.example', 'tenant.example'],
    ['sip:bob@sip.tenant.example:9999', undefined],
    ['sip:bob@other.example', undefined],
    // An IP literal or host name is us only together with one of our ports; absent is the transport's default.
    ['sip:bob@127.0.0.1', 'biloxi.com'],
    ['sip:bob@127.0.0.1:5060', 'biloxi.com'],
    ['sip:bob@127.0.0.1:35120', undefined],
    ['sip:bob@127.0.0.1;transport=tls', undefined],
    ['sips:bob@127.0.0.1', undefined],
    // The same places under other names.
    ['sip:bob@localhost', 'biloxi.com'],
    ['sip:bob@localhost:5070', undefined],
    ['sip:bob@[::ffff:127.0.0.1]:5060', 'biloxi.com'],
    ['sip:bob@[::FFFF:a00:5]:5070', 'biloxi.com'],
    ['sip:bob@[::ffff:10.0.0.6]:5070', undefined],
    ['sip:bob@127.0.0.2', undefined],
    ['sip:bob@10.0.0.5', undefined],
    ['sip:bob@10.0.0.5:5070', 'biloxi.com'],
    ['sip:bob@sip.biloxi.com', undefined],
    ['sip:bob@sip.biloxi.com:15070', 'biloxi.com'],
    ['sip:bob@sip.biloxi.com:5070', undefined],
    ['sips:bob@[2001:db8:0::5]', 'biloxi.com'],
    ['sip:bob@[2001:db8::5];transport=TLS', 'biloxi.com'],
    ['sip:bob@[2001:db8::5]', undefined],
    ['sip:biloxi.com', 'biloxi.com'],
  ])('%s: %s', (text, domain) => {
    expect(ownDomain(uriOf(text), self)).toBe(domain);
  });

  test('a wildcard listener is us at loopback and at the addresses of this machine', () => {
    const wild = createSelf({
      domains: ['biloxi.com'],
      aliases: [],
      listeners: [{ bound: { host: '0.0.0.0', port: 5070 }, advertised: { host: '192.0.2.9', port: 5070 } }],
      localAddresses: ['10.1.1.1'],
    });
    expect(ownDomain(uriOf('sip:a@127.0.0.1:5070'), wild)).toBe('biloxi.com');
    expect(ownDomain(uriOf('sip:a@10.1.1.1:5070'), wild)).toBe('biloxi.com');
    expect(ownDomain(uriOf('sip:a@192.0.2.9:5070'), wild)).toBe('biloxi.com');
    expect(ownDomain(uriOf('sip:a@10.1.1.2:5070'), wild)).toBeUndefined();
    expect(ownDomain(uriOf('sip:a@127.0.0.1:5071'), wild)).toBeUndefined();
    expect(ownDomain(uriOf('sip:a@0.0.0.0:5070'), wild)).toBeUndefined();
  });
});

test.each([
  ['sip:a@b', 5060],
  ['sip:a@b;transport=tcp', 5060],
  ['sips:a@b', 5061],
  ['sip:a@b;transport=tls', 5061],
  ['sip:a@b;transport=ws', 80],
  ['sips:a@b;transport=ws', 443],
  ['sip:a@b;transport=WSS', 443],
])('the default port of %s is %i', (text, port) => {
  expect(defaultPort(uriOf(text))).toBe(port);
});

test.each([
  ['sip:bob@127.0.0.1:5060', true],
  ['sip:bob@biloxi.com', true],
  ['sip:bob@127.0.0.1:35120', false],
  ['sip:bob@192.0.2.7;maddr=127.0.0.1', true],
  ['sips:bob@192.0.2.7;maddr=[2001:db8::5]', true],
  ['sip:bob@127.0.0.1;maddr=192.0.2.7', false],
])('whether %s leads back here: %s', (text, back) => {
  expect(isOwnContactAddress(uriOf(text), self)).toBe(back);
});
