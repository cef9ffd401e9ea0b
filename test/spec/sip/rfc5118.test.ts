// RFC 5118: every IPv6 message.
import { describe, expect, test } from 'vitest';
import { findParam } from '../../../src/uri/params.ts';
import { parseSipUri } from '../../../src/uri/parse.ts';
import { corpusFolder, corpusMessage } from '../../support/corpus.ts';
import { type ReaderVerdict, requestFrom, verdictOf } from '../../support/sip-verdict.ts';

const TABLE: readonly (readonly [section: string, file: string, verdict: ReaderVerdict])[] = [
  ['4.1', 'ipv6-good', 'accept'],
  ['4.2', 'ipv6-bad', 400],
  ['4.3', 'port-ambiguous', 'accept'],
  ['4.4', 'port-unambiguous', 'accept'],
  ['4.5', 'via-received-param-with-delim', 'accept'],
  ['4.5', 'via-received-param-no-delim', 'accept'],
  ['4.6', 'ipv6-in-sdp', 'accept'],
  ['4.7', 'mult-ip-in-header', 'accept'],
  ['4.8', 'mult-ip-in-sdp', 'accept'],
  ['4.9', 'ipv4-mapped-ipv6', 'accept'],
  ['4.10', 'ipv6-bug-abnf-3-colons', 'accept'],
  ['4.10', 'ipv6-correct-abnf-2-colons', 'accept'],
];

const requestOf = (file: string) => requestFrom(corpusMessage(`rfc5118/${file}.dat`).bytes);

describe('RFC 5118', () => {
  test('the table holds every message', () => {
    expect(TABLE.map(([, file]) => `rfc5118/${file}.dat`).sort()).toEqual(
      corpusFolder('rfc5118').map(({ file }) => file),
    );
  });

  test.each(TABLE)('§%s: %s is %s', (_section, file, verdict) => {
    expect(verdictOf(corpusMessage(`rfc5118/${file}.dat`).bytes)).toBe(verdict);
  });

  test('§4.3 and §4.4: the port stands behind the bracket', () => {
    expect(parseSipUri(requestOf('port-ambiguous').uri)).toMatchObject({
      value: { host: '2001:db8::10:5070' },
    });
    expect(parseSipUri(requestOf('port-unambiguous').uri)).toMatchObject({
      value: { host: '2001:db8::10', port: 5070 },
    });
  });

  test('§4.5: received is read with and without brackets', () => {
    const received = (file: string) => findParam(requestOf(file).vias[0].params, 'received')?.value;
    expect(received('via-received-param-with-delim')).toBe('[2001:db8::9:255]');
    expect(received('via-received-param-no-delim')).toBe('2001:db8::9:255');
  });

  test('§4.7: sent-by is read whatever the family', () => {
    expect(requestOf('mult-ip-in-header').vias.map(({ host, port }) => [host, port])).toEqual([
      ['2001:db8::9:1', 6050],
      ['192.0.2.1', undefined],
      ['2001:db8::9:255', undefined],
    ]);
  });

  test('§4.9: an IPv4-mapped address in a Via', () => {
    expect(requestOf('ipv4-mapped-ipv6').vias[0]).toMatchObject({ host: '::ffff:192.0.2.10', port: 19823 });
  });
});
