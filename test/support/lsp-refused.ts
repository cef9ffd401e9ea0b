// Builds test/vectors/lsp-refused.json: what breaks docs/lsp.md, each with the name of what is wrong.
import { encodePeer } from '../../src/dht/descriptor.ts';
import { encodeCbor } from '../../src/record/cbor-writer.ts';
import { atlanta, sampleIdentity } from './lsp-samples.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const map = (...fields: readonly [number, unknown][]): string => hex(encodeCbor(new Map(fields)));
const id = new Uint8Array(20);
const times = <T>(count: number, item: T): readonly T[] => new Array<T>(count).fill(item);
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

/** Of version 1, kind plain, overlay "lsp". */
const frame = (flags: string, part: string, length: string, body: string): string =>
  `4c53500100${flags.padStart(2, '0')}fb67c0cd095348c80102030405060708${part}${length}${body}`;

const FRAMES: readonly (readonly [name: string, problem: string, datagram: string])[] = [
  ['another protocol', 'not-lsp', hex(Buffer.from('OPTIONS sip:bob@biloxi.com SIP/2.0'))],
  ['nothing', 'not-lsp', ''],
  ['shorter than its header', 'truncated', frame('0', '0001', '00', '')],
  ['shorter than its length says', 'truncated', frame('0', '0001', '0004', 'a10001')],
  ['shorter than its cookie', 'truncated', frame('2', '0001', '0000', '00112233')],
  ['a body above 1158 bytes', 'truncated', frame('0', '0001', '0487', '00'.repeat(1159))],
  ['more than 1200 bytes', 'too-large', frame('0', '0001', '0003', `a10001${'00'.repeat(1200)}`)],
  ['no part', 'bad-parts', frame('0', '0000', '0003', 'a10001')],
  ['17 parts', 'bad-parts', frame('0', '0011', '0003', 'a10001')],
  ['a part behind the last', 'bad-parts', frame('0', '0202', '0003', 'a10001')],
  ['a part before the last that is not full', 'bad-parts', frame('0', '0002', '0003', 'a10001')],
  ['an empty last part', 'bad-parts', frame('0', '0102', '0000', '')],
  ['a bitmap of three bytes', 'bad-bitmap', frame('8', '0004', '0003', '000000')],
];

const REQUESTS: readonly (readonly [name: string, error: string, cbor: string])[] = [
  ['no CBOR', 'malformed', 'ff'],
  ['no map', 'malformed', '8100'],
  ['something behind the message', 'malformed', 'a1000100'],
  ['a key twice', 'malformed', 'a200010001'],
  ['an indefinite map', 'malformed', 'bf0001ff'],
  ['a number longer than it needs to be', 'malformed', 'a1001801'],
  ['a float', 'malformed', 'a100f93c00'],
  ['a tag', 'malformed', 'a100c101'],
  ['text that is not UTF-8', 'malformed', 'a20001186361ff'],
  ['more items than bytes', 'malformed', 'ba7fffffff'],
  ['an integer beyond 2^53-1', 'malformed', 'a2000118631b0020000000000000'],
  ['nine levels', 'malformed', map([0, 1], [99, nested(8)])],
  ['no type', 'unsupported', 'a0'],
  ['a type as text', 'unsupported', 'a1006470696e67'],
  ['a type of a later version', 'unsupported', map([0, 250])],
  ['FIND without a key', 'malformed', map([0, 2])],
  ['FIND with a key of 19 bytes', 'malformed', map([0, 2], [1, id.subarray(1)])],
  ['PUBLISH of 33 entries', 'malformed', map([0, 4], [1, id], [2, times(33, Uint8Array.of(0))])],
  ['PUBLISH of an entry of 801 bytes', 'malformed', map([0, 4], [1, id], [2, [new Uint8Array(801)]])],
  ['JOIN with 256 replicas', 'malformed', map([0, 5], [3, atlanta.encoded], [6, 256], [7, 8])],
  ['NOTIFY of 65 gone', 'malformed', map([0, 6], [3, atlanta.encoded], [4, []], [5, times(65, [id, 1])])],
  ['SYNC of an unknown kind', 'malformed', map([0, 9], [3, atlanta.encoded], [9, new Map([[0, 9]])])],
  ['PROBE of no descriptor', 'malformed', map([0, 11], [8, id])],
];

const ANSWERS: readonly (readonly [name: string, error: string, cbor: string])[] = [
  ['no size estimate', 'malformed', map([0, 8])],
  ['a type of a later version', 'malformed', map([0, 250], [1, 3])],
  ['found, 35 descriptors', 'malformed', map([0, 3], [1, 3], [3, times(35, atlanta.encoded)], [4, []])],
  ['held, an entry that is text', 'malformed', map([0, 4], [1, 3], [3, []], [5, ['x']])],
  ['a detail of 201 bytes', 'malformed', map([0, 11], [1, 3], [21, 4], [22, 'x'.repeat(201)])],
  ['an error code as text', 'malformed', map([0, 11], [1, 3], [21, 'retry'], [22, ''])],
];

/** atlanta's descriptor with something changed, and what its reader says. */
const descriptors = (): readonly (readonly [name: string, error: string, cose: string])[] => {
  const text = hex(atlanta.encoded);
  const elsewhere = encodePeer(atlanta, sampleIdentity('atlanta.com'), 'other');
  const swap = (from: string, to: string): string => {
    if (text.split(from).length !== 2) throw new Error(`vector: ${from} is not there once`);
    return text.replace(from, to);
  };
  return [
    ['more than 512 bytes', 'descriptor too long', text.padEnd(1026, '0')],
    ['not a COSE_Sign1', 'not a COSE_Sign1', '83010203'],
    ['another algorithm', 'algorithm is not EdDSA', swap('43a10127', '43a10126')],
    [
      'something in the unprotected header',
      'unprotected header not empty',
      swap('43a10127a0', '43a10127a10101'),
    ],
    ['another address', 'signature does not fit', swap('c000020a1c10', 'c000020b1c10')],
    ['a multicast address', 'endpoint is not an address of one peer', swap('c000020a1c10', 'e000020a1c10')],
    ['port 0', 'endpoint is not an address of one peer', swap('c000020a1c10', 'c000020a0000')],
    [
      'a domain in upper case',
      'domain is not a lower-case A-label name',
      swap(hex(Buffer.from('atlanta.com')), hex(Buffer.from('Atlanta.com'))),
    ],
    ['of another overlay', 'signature does not fit', hex(elsewhere.encoded)],
  ];
};

export const buildRefused = () => {
  const rows = (list: readonly (readonly [string, string, string])[], what: string) =>
    list.map(([name, error, bytes]) => ({ name, error, [what]: bytes }));
  return {
    about:
      'What is to be refused, in hex. Frames are dropped without an answer; "error" of a frame or a descriptor is the reader\'s name for why, of a request the error answered.',
    frames: rows(FRAMES, 'datagram'),
    requests: rows(REQUESTS, 'cbor'),
    answers: rows(ANSWERS, 'cbor'),
    descriptors: rows(descriptors(), 'cose'),
  };
};
