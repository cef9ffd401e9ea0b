import { describe, expect, test } from 'vitest';
import { contactsFor, type Target } from '../../../src/redirect/targets.ts';
import { parseSipUri } from '../../../src/uri/parse.ts';
import { createSelf } from '../../../src/uri/self.ts';

const self = createSelf({
  domains: ['biloxi.com'],
  aliases: [],
  listeners: [
    { bound: { host: '192.0.2.1', port: 5060 }, advertised: { host: 'sip.biloxi.com', port: 5060 } },
  ],
});

const contacts = (bindings: readonly (string | Partial<Target>)[], requestUri = 'sip:bob@biloxi.com') => {
  const uri = parseSipUri(requestUri);
  if (!uri.ok) throw new Error(uri.error);
  const targets = bindings.map((one) =>
    typeof one === 'string' ? { contact: one, path: [] } : { contact: '', path: [], ...one },
  );
  return contactsFor(targets, uri.value, self);
};

describe('the Contacts of a 302', () => {
  test('are the bytes that were registered', () => {
    const contact = 'sip:B%6Fb@192.0.2.4:5062;Transport=UDP;ob;line=a1B2';
    expect(contacts([contact])).toEqual([`<${contact}>`]);
  });

  test('stand best first by q, those without one as the best', () => {
    expect(
      contacts([
        { contact: 'sip:a@192.0.2.4', q: 0.1 },
        { contact: 'sip:b@192.0.2.4', q: 0.7 },
        { contact: 'sip:c@192.0.2.4' },
        { contact: 'sip:d@192.0.2.4', q: 0 },
      ]),
    ).toEqual([
      '<sip:c@192.0.2.4>',
      '<sip:b@192.0.2.4>;q=0.7',
      '<sip:a@192.0.2.4>;q=0.1',
      '<sip:d@192.0.2.4>;q=0',
    ]);
  });

  test('never name the Request-URI, also not one that only headers told from it', () => {
    expect(
      contacts(['sip:ann@atlanta.com?Route=%3Csip:x%3E', 'sip:ann@atlanta.com'], 'sip:ann@atlanta.com'),
    ).toEqual([]);
  });

  test('carry a q of at most three decimals', () => {
    expect(contacts([{ contact: 'sip:a@192.0.2.4', q: 1 / 3 }])).toEqual(['<sip:a@192.0.2.4>;q=0.333']);
  });

  test('name those that stand alone before those behind a Path', () => {
    expect(
      contacts([
        { contact: 'sip:behind@192.0.2.4', q: 1, path: ['<sip:edge.example;lr>'] },
        { contact: 'sip:alone@192.0.2.5', q: 0.2 },
      ]),
    ).toEqual(['<sip:alone@192.0.2.5>;q=0.2', '<sip:behind@192.0.2.4>;q=1']);
  });

  test('are at most ten', () => {
    expect(contacts(Array.from({ length: 12 }, (_, n) => `sip:bob@192.0.2.4:${6000 + n}`))).toHaveLength(10);
  });

  test('name each contact once', () => {
    expect(contacts(['sip:bob@192.0.2.4;ob', 'sip:bob@192.0.2.4;OB'])).toEqual(['<sip:bob@192.0.2.4;ob>']);
  });

  test('go without the header part, which callers stall on', () => {
    expect(contacts(['sip:bob@192.0.2.4;ob?Subject=x&Route=%3Csip:evil%3E'])).toEqual([
      '<sip:bob@192.0.2.4;ob>',
    ]);
  });

  test('keep a question mark that belongs to the user part', () => {
    expect(contacts(['sip:b?b@192.0.2.4?Subject=x'])).toEqual(['<sip:b?b@192.0.2.4>']);
  });

  test.each([
    ['the Request-URI', 'sip:bob@example.com:5099', 'sip:bob@example.com:5099'],
    ['the Request-URI in other letters', 'sip:bob@EXAMPLE.com:5099;x=1', 'sip:b%6Fb@example.com:5099'],
    ['our domain', 'sip:alice@biloxi.com', 'sip:bob@biloxi.com'],
    ['our domain with our port', 'sip:alice@biloxi.com:5060', 'sip:bob@biloxi.com'],
    ['our listener', 'sip:alice@192.0.2.1;transport=udp', 'sip:bob@biloxi.com'],
    ['our advertised name', 'sip:alice@sip.biloxi.com:5060', 'sip:bob@biloxi.com'],
    ['us by maddr', 'sip:alice@192.0.2.9:5060;maddr=192.0.2.1', 'sip:bob@biloxi.com'],
    ['a WebSocket phone', 'sip:x7@a1b2c3.invalid;transport=ws', 'sip:bob@biloxi.com'],
    ['every address at once', 'sip:bob@0.0.0.0:5060', 'sip:bob@biloxi.com'],
    ['another scheme', 'mailto:bob@example.com', 'sip:bob@biloxi.com'],
    ['no URI', 'bob', 'sip:bob@biloxi.com'],
    ['a second header', 'sip:bob@192.0.2.4>\r\nX-Evil: 1', 'sip:bob@biloxi.com'],
    ['a second contact', 'sip:bob@192.0.2.4>,<sip:eve@192.0.2.66', 'sip:bob@biloxi.com'],
  ])('never name %s', (_, contact, requestUri) => {
    expect(contacts([contact, 'sip:other@192.0.2.77'], requestUri)).toEqual(['<sip:other@192.0.2.77>']);
  });

  test('of a sips request are sips alone', () => {
    expect(contacts(['sip:bob@192.0.2.4', 'sips:bob@192.0.2.4'], 'sips:bob@biloxi.com')).toEqual([
      '<sips:bob@192.0.2.4>',
    ]);
  });

  test('of a sip request may be sips', () => {
    expect(contacts(['sips:bob@192.0.2.4'])).toEqual(['<sips:bob@192.0.2.4>']);
  });

  test('are as many as a datagram carries, the best one in any case', () => {
    const long = (chars: number, n: number): string => `sip:${'x'.repeat(chars)}@192.0.2.${n}`;
    const told = (chars: number): number =>
      contacts(Array.from({ length: 10 }, (_, n) => long(chars, n + 10))).length;
    expect([told(60), told(100), told(400), told(2000)]).toEqual([10, 8, 2, 1]);
  });

  test('may be none', () => {
    expect(contacts(['sip:bob@biloxi.com'])).toEqual([]);
  });
});
