// Our reader against npm sip's on well-formed messages of the corpus: what both read, they read alike.
// These are files we know; in the program itself the package never sees a byte from the network.
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { parseContacts, parseNameAddrs } from '../../../src/sip/name-addr.ts';
import { headerValue } from '../../../src/sip/rows.ts';
import type { NameAddr, SipMessage } from '../../../src/sip/types.ts';
import { type CorpusMessage, corpusFolder } from '../../support/corpus.ts';
import { messageOf, verdictOf } from '../../support/sip-verdict.ts';

interface OracleAddress {
  readonly name?: string;
  readonly uri: unknown;
  readonly params: Readonly<Record<string, string | null>>;
}

interface OracleMessage {
  readonly method?: string;
  readonly uri?: string;
  readonly status?: number;
  readonly reason?: string;
  readonly content?: string;
  readonly headers: {
    readonly via: readonly {
      readonly protocol: string;
      readonly host: string;
      readonly port?: number;
      readonly params: Readonly<Record<string, string | null>>;
    }[];
    readonly from: OracleAddress;
    readonly to: OracleAddress;
    readonly 'call-id': string;
    readonly cseq: { readonly seq: number; readonly method: string };
    readonly contact?: readonly OracleAddress[];
    readonly route?: readonly OracleAddress[];
    readonly 'content-length'?: number;
  };
}

const oracle: { parse(bytes: Buffer): OracleMessage | undefined; stringifyUri(uri: unknown): string } =
  createRequire(import.meta.url)('sip');

const params = (given: NameAddr['params']): Readonly<Record<string, string | null>> =>
  Object.fromEntries(given.map(({ name, value }) => [name, value ?? null]));

const addressOf = (one: NameAddr) => ({ name: one.display, uri: one.uri, params: params(one.params) });
const oracleAddress = ({ name, uri, params: given }: OracleAddress) => ({
  name,
  uri: oracle.stringifyUri(uri),
  params: { ...given },
});

const addresses = (read: ReturnType<typeof parseContacts>) => {
  if (!read.ok) throw new Error(read.error);
  return read.value.map((one) => (one === '*' ? { name: undefined, uri: '*', params: {} } : addressOf(one)));
};

const startOf = (message: SipMessage) =>
  message.kind === 'request'
    ? { method: message.method, uri: message.uri }
    : { status: message.status, reason: message.reason };

const compare = ({ bytes }: CorpusMessage): void => {
  const ours = messageOf(bytes);
  const theirs = oracle.parse(Buffer.from(bytes));
  if (theirs === undefined) throw new Error('the oracle reads nothing');
  const { headers } = theirs;
  expect(startOf(ours)).toEqual(
    theirs.method === undefined
      ? { status: theirs.status, reason: theirs.reason }
      : { method: theirs.method, uri: theirs.uri },
  );
  expect(ours.vias.map((via) => [via.transport, via.host, via.port, params(via.params)])).toEqual(
    headers.via.map((via) => [via.protocol, via.host, via.port, { ...via.params }]),
  );
  expect(addressOf(ours.from)).toEqual(oracleAddress(headers.from));
  expect(addressOf(ours.to)).toEqual(oracleAddress(headers.to));
  expect(ours.callId).toBe(headers['call-id']);
  expect(ours.cseq).toEqual(headers.cseq);
  expect(addresses(parseContacts(ours.rows))).toEqual((headers.contact ?? []).map(oracleAddress));
  expect(addresses(parseNameAddrs(ours.rows, 'route'))).toEqual((headers.route ?? []).map(oracleAddress));
  expect(Buffer.from(ours.body).toString('latin1')).toBe(theirs.content ?? '');
  const length = headerValue(ours.rows, 'content-length');
  expect(length === undefined ? undefined : Number(length)).toBe(headers['content-length']);
};

describe('npm sip reads alike', () => {
  for (const folder of ['rfc3665', 'real'] as const) {
    test(`every message of ${folder}`, () => {
      const messages = corpusFolder(folder);
      expect(messages.length).toBeGreaterThan(100);
      expect(messages.filter(({ bytes }) => verdictOf(bytes) !== 'accept').map(({ file }) => file)).toEqual(
        [],
      );
      for (const message of messages) {
        try {
          compare(message);
        } catch (error) {
          throw new Error(message.file, { cause: error });
        }
      }
    });
  }
});
