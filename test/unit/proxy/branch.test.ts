import { describe, expect, test } from 'vitest';
import { Branches, formatBranch, parseBranch } from '../../../src/proxy/branch.ts';
import { DEFAULT_VIA, type GivenRequest, requestOf, responseOf } from '../../support/forward-messages.ts';

const branches = new Branches(Buffer.from('secret'));
const branchOf = (given: GivenRequest) => branches.of(requestOf(given));
const ourVia = (given: GivenRequest, host = '192.0.2.1:5060') =>
  `SIP/2.0/UDP ${host};branch=${formatBranch(branchOf(given))};rport`;

describe('our branch', () => {
  test('has the magic cookie and characters of a token', () => {
    expect(formatBranch(branchOf({}))).toMatch(/^z9hG4bK[A-Za-z0-9_-]{44}$/);
  });

  test('is read back as it was written', () => {
    expect(parseBranch(formatBranch(branchOf({})))).toEqual({ ...branchOf({}), attempt: 1 });
  });

  test('differs for every hop that is tried, and is the same transaction', () => {
    const texts = [1, 2, 8].map((attempt) => formatBranch({ ...branchOf({}), attempt }));
    expect(new Set(texts).size).toBe(3);
    expect(texts.map((text) => parseBranch(text)?.transaction)).toEqual(
      Array(3).fill(branchOf({}).transaction),
    );
    expect(texts.map((text) => parseBranch(text)?.attempt)).toEqual([1, 2, 8]);
  });

  test.each([
    undefined,
    '',
    'z9hG4bK',
    'z9hG4bKabc',
    `z9hG4bK${'a'.repeat(43)}`,
    `z9hG4bK${'a'.repeat(45)}`,
    `z9hG4bK${'a'.repeat(44)}1`,
  ])('is not %s', (text) => {
    expect(parseBranch(text)).toBeUndefined();
  });

  test('is the same for a retransmission', () => {
    expect(branchOf({})).toEqual(branchOf({}));
  });

  test.each<[string, GivenRequest]>([
    ['its CANCEL', { method: 'CANCEL' }],
    ['the ACK to its refusal', { method: 'ACK', to: '<sip:bob@example.com>;tag=b1' }],
  ])('is the same for %s', (_, given) => {
    expect(branchOf(given)).toEqual(branchOf({}));
  });

  test.each<[string, GivenRequest]>([
    ['branch', { vias: [DEFAULT_VIA.replace('z9hG4bKa1', 'z9hG4bKa2')] }],
    ['sent-by', { vias: [DEFAULT_VIA.replace('192.0.2.50:5070', '192.0.2.51:5070')] }],
    ['Call-ID', { callId: 'call-2' }],
    ['CSeq', { cseq: 2 }],
  ])('names another transaction for another %s', (_, given) => {
    expect(branchOf(given).transaction).not.toBe(branchOf({}).transaction);
  });

  test('of a request without the magic cookie is the same for its ACK, and another for another From tag', () => {
    const old = { vias: ['SIP/2.0/UDP 192.0.2.50:5070'] };
    const ack = { ...old, method: 'ACK', to: '<sip:bob@example.com>;tag=b1' };
    expect(branchOf(ack).transaction).toBe(branchOf(old).transaction);
    expect(branchOf({ ...old, from: '<sip:alice@biloxi.com>;tag=a2' }).transaction).not.toBe(
      branchOf(old).transaction,
    );
  });

  test('differs under another secret in every part', () => {
    const other = new Branches(Buffer.from('other')).of(requestOf());
    const ours = branchOf({});
    expect([
      other.transaction === ours.transaction,
      other.loop === ours.loop,
      other.back === ours.back,
    ]).toEqual([false, false, false]);
  });
});

describe('a loop (RFC 5393 §4.2)', () => {
  const loops = (given: GivenRequest) => branches.loops(requestOf(given));
  const back = ['SIP/2.0/UDP p.example;branch=z9hG4bKp1', ourVia({}), DEFAULT_VIA];

  test('is a request with our Via and nothing changed', () => {
    expect(loops({ vias: back })).toBe(true);
  });

  test('is seen through another of our addresses', () => {
    expect(loops({ vias: [back[0] ?? '', ourVia({}, '198.51.100.1:5070'), DEFAULT_VIA] })).toBe(true);
  });

  test.each<[string, GivenRequest]>([
    ['with another Request-URI', { uri: 'sip:carol@example.com' }],
    ['with another Route', { rows: ['Route: <sip:p.example;lr>'] }],
  ])('is not a spiral: a request %s', (_, given) => {
    expect(loops({ vias: back, ...given })).toBe(false);
  });

  test.each([
    ['no Via of ours', ['SIP/2.0/UDP p.example;branch=z9hG4bKp1', DEFAULT_VIA]],
    [
      'a branch that only looks like ours',
      [`SIP/2.0/UDP p.example;branch=z9hG4bK${'a'.repeat(44)}`, DEFAULT_VIA],
    ],
  ])('is not a request with %s', (_, vias) => {
    expect(loops({ vias })).toBe(false);
  });
});

describe('an answer to what we forwarded, known by its Vias alone', () => {
  const isOurs = (vias: readonly string[], given: { callId?: string; cseq?: number } = {}): boolean => {
    const response = responseOf({ status: 200, vias, ...given });
    const branch = parseBranch(response.vias[0].params.find(({ name }) => name === 'branch')?.value);
    return branch !== undefined && branches.isAnswerToOurs(response, branch);
  };

  test('is known again', () => {
    expect(isOurs([ourVia({}), DEFAULT_VIA])).toBe(true);
  });

  test.each([
    ['received', DEFAULT_VIA.replace('received=192.0.2.50', 'received=203.0.113.9')],
    ['rport', DEFAULT_VIA.replace('rport=5070', 'rport=53')],
    ['sent-by', DEFAULT_VIA.replace('UDP 192.0.2.50', 'UDP 203.0.113.9')],
    ['transport', DEFAULT_VIA.replace('/UDP', '/TCP')],
    ['branch', DEFAULT_VIA.replace('z9hG4bKa1', 'z9hG4bKa2')],
    ['no cookie', DEFAULT_VIA.replace('z9hG4bKa1', '1')],
  ])('is not known with another %s below ours: nobody aims our answers', (_, below) => {
    expect(isOurs([ourVia({}), below])).toBe(false);
  });

  test.each([
    ['Call-ID', { callId: 'call-2' }],
    ['CSeq', { cseq: 2 }],
  ])('is not known with another %s', (_, given) => {
    expect(isOurs([ourVia({}), DEFAULT_VIA], given)).toBe(false);
  });

  test('is not known with nothing below ours', () => {
    expect(isOurs([ourVia({})])).toBe(false);
  });
});
