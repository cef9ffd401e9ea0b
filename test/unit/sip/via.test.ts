import { describe, expect, test } from 'vitest';
import { answerPort, mergeKey, stampVia, transactionKey } from '../../../src/sip/via.ts';
import { requestOf, viaOf } from '../../support/sip-request.ts';

const SOURCE = { host: '192.0.2.7', port: 40001 };

describe('what the server adds to the top Via', () => {
  test.each([
    ['the source is the sent-by', 'SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1', undefined],
    [
      'the source is another address',
      'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1',
      'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.7',
    ],
    [
      'sent-by is a name',
      'SIP/2.0/UDP phone.example:5070;branch=z9hG4bK1',
      'SIP/2.0/UDP phone.example:5070;branch=z9hG4bK1;received=192.0.2.7',
    ],
    [
      'rport asks for the port, and received comes with it',
      'SIP/2.0/UDP 192.0.2.7:5060;rport;branch=z9hG4bK1',
      'SIP/2.0/UDP 192.0.2.7:5060;rport=40001;branch=z9hG4bK1;received=192.0.2.7',
    ],
    [
      'the sender filled in what only we know',
      'SIP/2.0/UDP 192.0.2.7;received=203.0.113.9;rport=1;branch=z9hG4bK1',
      'SIP/2.0/UDP 192.0.2.7;rport=40001;branch=z9hG4bK1;received=192.0.2.7',
    ],
    [
      'an IPv6 sent-by keeps its brackets',
      'SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1',
      'SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;received=192.0.2.7',
    ],
  ])('when %s', (_when, via, expected) => {
    const request = requestOf({ via });

    const stamped = stampVia(request, SOURCE);

    expect(stamped.rows[0]?.value).toBe(expected ?? via);
    expect(stamped.vias[0].text).toBe(expected ?? via);
    expect(stamped.vias[0].params).toEqual(viaOf(expected ?? via).params);
  });

  test('an IPv6 address in another spelling is the same address', () => {
    const request = requestOf({ via: 'SIP/2.0/UDP [2001:DB8:0:0::1];branch=z9hG4bK1' });

    expect(stampVia(request, { host: '2001:db8::1', port: 5060 })).toBe(request);
  });

  test('a link-local source is told without its zone and without brackets', () => {
    const request = requestOf({ via: 'SIP/2.0/UDP phone.example;branch=z9hG4bK1' });

    const stamped = stampVia(request, { host: 'fe80::1%eth0', port: 5060 });

    expect(stamped.vias[0].params).toContainEqual({ name: 'received', value: 'fe80::1' });
  });

  test('values that share the row stay as written', () => {
    const top = 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1';
    const request = requestOf({ via: top });
    const row = { name: 'via', as: 'v', value: `${top} ,  SIP / 2.0 / TCP b.example` };

    const stamped = stampVia({ ...request, rows: [row] }, SOURCE);

    expect(stamped.rows).toEqual([
      { name: 'via', as: 'v', value: `${top};received=192.0.2.7 ,  SIP / 2.0 / TCP b.example` },
    ]);
  });
});

describe('the port that a UDP answer goes to', () => {
  test.each([
    ['the source port with rport', 'SIP/2.0/UDP 10.0.0.1:5070;rport', 40001],
    ['the sent-by port without', 'SIP/2.0/UDP 10.0.0.1:5070', 5070],
    ['5060 with neither', 'SIP/2.0/UDP 10.0.0.1', 5060],
    ['whatever maddr says', 'SIP/2.0/UDP 10.0.0.1:5070;maddr=239.1.1.1', 5070],
  ])('is %s', (_what, via, port) => {
    expect(answerPort(viaOf(via), SOURCE)).toBe(port);
  });
});

describe('what names a transaction', () => {
  const key = (given: Parameters<typeof requestOf>[0], method?: string) =>
    transactionKey(requestOf(given), method);
  const via = (rest: string) => ({ via: `SIP/2.0/UDP ${rest}` });

  test('branch, sent-by and method; the default port and the case of the host do not matter', () => {
    expect(key(via('Phone.example;branch=z9hG4bKx'))).toBe(key(via('phone.example:5060;branch=z9hG4bKx')));
    expect(key(via('phone.example:5070;branch=z9hG4bKx'))).not.toBe(
      key(via('phone.example;branch=z9hG4bKx')),
    );
    expect(key(via('a.example;branch=z9hG4bKx'))).not.toBe(key(via('a.example;branch=z9hG4bKy')));
    expect(key({ ...via('a.example;branch=z9hG4bKx'), method: 'CANCEL' }, 'INVITE')).toBe(
      key(via('a.example;branch=z9hG4bKx')),
    );
    expect(key({ ...via('a.example;branch=z9hG4bKx'), method: 'REGISTER' })).not.toBe(
      key(via('a.example;branch=z9hG4bKx')),
    );
  });

  test.each([
    ['no branch', 'a.example'],
    ['a branch of RFC 2543', 'a.example;branch=1'],
    ['nothing behind the magic cookie', 'a.example;branch=z9hG4bK'],
  ])('with %s: Call-ID, tags, CSeq number, Request-URI and the Via', (_what, rest) => {
    const same = { ...via(rest), callId: 'c', cseq: 3 };
    expect(key(same)).toBe(key(same));
    expect(key({ ...same, callId: 'd' })).not.toBe(key(same));
    expect(key({ ...same, cseq: 4 })).not.toBe(key(same));
    expect(key({ ...same, fromTag: 'z' })).not.toBe(key(same));
    expect(key({ ...same, uri: 'sip:carol@example.com' })).not.toBe(key(same));
  });

  test('a request that came by two ways has one merge key, a request in a dialog none', () => {
    expect(mergeKey(requestOf(via('a.example;branch=z9hG4bKx')))).toBe(
      mergeKey(requestOf(via('b.example;branch=z9hG4bKy'))),
    );
    expect(mergeKey(requestOf({ toTag: 't' }))).toBeUndefined();
  });
});
