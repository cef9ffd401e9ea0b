// docs/lsp.md and docs/lsp-entry.md against the code: their CDDL, tables and examples are read from the pages themselves.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeCbor } from '../../../src/dht/cbor.ts';
import { COOKIE_WINDOW_MS } from '../../../src/dht/cookie.ts';
import { DESCRIPTOR_BYTES_MAX, peerDecoder, VNODE_MAX } from '../../../src/dht/descriptor.ts';
import * as frame from '../../../src/dht/frame.ts';
import * as messages from '../../../src/dht/messages.ts';
import { REPLICATION_TIMINGS } from '../../../src/dht/replication-options.ts';
import { REQUEST_TRAITS } from '../../../src/dht/request-traits.ts';
import { RING_TIMING } from '../../../src/dht/ring-options.ts';
import { RPC_LIMITS } from '../../../src/dht/rpc.ts';
import * as rto from '../../../src/dht/rto.ts';
import { ENTRY_BYTES_MAX, RECORD_LIMITS, SELECTOR_MAX } from '../../../src/record/limits.ts';
import { unpackCbor } from '../../support/cbor-unpack.ts';
import { Cddl } from '../../support/cddl.ts';
import { cddlOf } from '../../support/cddl-text.ts';
import { fromHex } from '../../support/lsp-vectors.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/lsp.md');
const entryPage = read('docs/lsp-entry.md');

interface Vector {
  readonly name: string;
  readonly cbor: string;
}
const vectors: {
  readonly overlay: string;
  readonly descriptors: readonly { readonly name: string; readonly cose: string }[];
  readonly requests: readonly Vector[];
  readonly answers: readonly Vector[];
  readonly frames: readonly { readonly name: string; readonly datagram: string }[];
} = JSON.parse(read('test/vectors/lsp.json'));
const entryVectors: {
  readonly entries: readonly { readonly title: string; readonly entry: string; readonly contact?: string }[];
  readonly steps: Readonly<Record<string, string>>;
  readonly names: readonly Readonly<Record<'uri' | 'scheme' | 'user' | 'domain' | 'key', string>>[];
  readonly contacts: readonly Readonly<Record<'contact' | 'canonical', string>>[];
} = JSON.parse(read('test/vectors/entry.json'));

// What a later version may add is no part of what this one writes.
const cddl = new Cddl(cddlOf(page), ['extension']);
const entryCddl = new Cddl(cddlOf(entryPage), ['extension', 'contact-extension']);
const decodePeer = peerDecoder(vectors.overlay);
const codec = messages.messageCodec(decodePeer, (id, bootSequence) =>
  vectors.descriptors
    .flatMap(({ cose }) => {
      const peer = decodePeer(fromHex(cose));
      return peer.ok ? [peer.value] : [];
    })
    .find((peer) => peer.id === id && peer.bootSequence === bootSequence),
);

const rows: readonly [rule: string, kind: string, vectors: readonly Vector[]][] = [
  ['request', 'request', vectors.requests],
  ['answer', 'answer', vectors.answers],
  ['COSE_Sign1', 'descriptor', vectors.descriptors.map(({ name, cose }) => ({ name, cbor: cose }))],
];

describe.each(rows)('CDDL: %s', (rule, kind, list) => {
  test.each(list)(`${kind} $name is what the page says`, ({ cbor }) => {
    expect(cddl.problem(rule, unpackCbor(fromHex(cbor)))).toBeUndefined();
  });
});

test.each(entryVectors.entries)('CDDL: entry "$title" is what the page says', ({ entry }) => {
  expect(entryCddl.problem('entry', unpackCbor(fromHex(entry)))).toBeUndefined();
});

test.each(entryVectors.entries.flatMap(({ contact = [] }) => contact))(
  'CDDL: sealed contact %s',
  (contact) => {
    expect(entryCddl.problem('contact', unpackCbor(fromHex(contact)))).toBeUndefined();
  },
);

const MAPS = ['request', 'answer', 'digests', 'keys', 'pull', 'push', 'status-report', 'peer'];

test('CDDL: every field of the pages has its vector', () => {
  for (const [rule, , list] of rows)
    for (const { cbor } of list) cddl.problem(rule, unpackCbor(fromHex(cbor)));
  for (const { entry, contact } of entryVectors.entries) {
    entryCddl.problem('entry', unpackCbor(fromHex(entry)));
    if (contact !== undefined) entryCddl.problem('contact', unpackCbor(fromHex(contact)));
  }
  const unseen = [
    ...MAPS.flatMap((rule) => cddl.keysOf(rule)).filter((key) => !cddl.seen.has(key)),
    ...['core', 'contact']
      .flatMap((rule) => entryCddl.keysOf(rule))
      .filter((key) => !entryCddl.seen.has(key)),
  ];
  expect(unseen).toEqual([]);
});

describe('the codec reads no field that the page does not have', () => {
  // No field is null: a key with it is refused if the codec knows the key, and ignored if it doesn't.
  const refused = (map: ReadonlyMap<unknown, unknown>, kind: string): boolean => {
    const bytes = encodeCbor(map);
    if (kind === 'answer') return !codec.decodeAnswer(bytes).ok;
    const opened = codec.openRequest(bytes);
    return !opened.ok || !opened.value.read().ok;
  };
  const known = (map: ReadonlyMap<unknown, unknown>, nested: bigint | undefined, kind: string): number[] => {
    const base = nested === undefined ? map : map.get(nested);
    if (!(base instanceof Map)) return [];
    return Array.from({ length: 256 }, (_, key) => key).filter((key) => {
      const changed = new Map([...base, [BigInt(key), null]]);
      return refused(nested === undefined ? changed : new Map([...map, [nested, changed]]), kind);
    });
  };
  const ruleOf = (map: ReadonlyMap<unknown, unknown>, among: string): string =>
    cddl.choicesOf(among).find((rule) => cddl.problem(rule, map) === undefined) ?? '';
  const cases = rows.slice(0, 2).flatMap(([among, kind, list]) =>
    list.flatMap(({ name, cbor }) => {
      const map = unpackCbor(fromHex(cbor));
      if (!(map instanceof Map)) return [];
      const rule = ruleOf(map, among);
      const inner = [
        ...(map.get(9n) instanceof Map ? [{ at: 9n, among: 'sync-op' }] : []),
        ...(map.get(20n) instanceof Map ? [{ at: 20n, among: 'status-report' }] : []),
      ];
      return [
        { name, rule, kind, map, at: undefined },
        ...inner.map(({ at, among: of }) => ({
          name: `${name}, inside ${at}`,
          rule: of === 'sync-op' ? ruleOf(map.get(at), of) : of,
          kind,
          map,
          at,
        })),
      ];
    }),
  );

  test.each(cases)('$kind $name', ({ rule, kind, map, at }) => {
    const onPage = cddl.keysOf(rule).map((key) => Number(key.slice(rule.length + 1)));
    expect(known(map, at, kind)).toEqual(onPage.sort((a, b) => a - b));
  });

  test('requests and answers by their numbers', () => {
    const numbersOf = (rule: string): number[] =>
      cddl
        .choicesOf(rule)
        .map((choice) => Number(new RegExp(`^${choice}\\s+= \\{ 0: (\\d+)`, 'm').exec(page)?.[1]));
    const all = Array.from({ length: 256 }, (_, code) => code);
    const requests = all.filter((code) => {
      const opened = codec.openRequest(encodeCbor(new Map([[0, code]])));
      return opened.ok || opened.error.code !== 'unsupported';
    });
    const answers = all.filter((code) => {
      const decoded = codec.decodeAnswer(
        encodeCbor(
          new Map([
            [0, code],
            [1, 1],
          ]),
        ),
      );
      return decoded.ok || decoded.error !== 'unknown kind';
    });
    const ascending = (a: number, b: number): number => a - b;
    expect(numbersOf('request').sort(ascending)).toEqual(requests);
    expect(numbersOf('answer').sort(ascending)).toEqual(answers);
  });
});

test('error codes: each on the page is read as its name, any other as refused', () => {
  const onPage = [...page.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)].map(([, code, name]) => [
    Number(code),
    name,
  ]);
  const nameOf = (code: number): string | undefined => {
    const read = codec.decodeAnswer(
      encodeCbor(
        new Map<number, unknown>([
          [0, 11],
          [1, 1],
          [21, code],
          [22, ''],
        ]),
      ),
    );
    return read.ok && read.value.answer.type === 'error' ? read.value.answer.code : undefined;
  };
  expect(onPage.length).toBeGreaterThan(12);
  expect(onPage.map(([code]) => [code, nameOf(Number(code))])).toEqual(onPage);
  expect(nameOf(onPage.length)).toBe('refused');
  expect(nameOf(2 ** 40)).toBe('refused');
});

describe('table of constants', () => {
  /** `name` | default | … with several names and numbers in one row where they belong together. */
  const table = new Map(
    [...(page.split('\n## Constants\n')[1] ?? '').matchAll(/^\| (`.+?`) \| ([^|]+) \|/gm)].flatMap(
      ([, names = '', values = '']) => {
        const numbers = values
          .split(',')
          .map((value) => /^[\d ]+/.exec(value.trim())?.[0].replaceAll(' ', ''));
        return [...names.matchAll(/`(\w+)`/g)].map(([, name = ''], at): [string, string | undefined] => [
          name,
          numbers[at],
        ]);
      },
    ),
  );
  const constants: Readonly<Record<string, number>> = {
    DATAGRAM_BYTES_MAX: frame.DATAGRAM_BYTES_MAX,
    CHUNK_BYTES_MAX: frame.CHUNK_BYTES_MAX,
    PARTS_MAX: frame.PARTS_MAX,
    MESSAGE_BYTES_MAX: frame.MESSAGE_BYTES_MAX,
    ENTRY_BYTES_MAX,
    ENTRIES_MAX: messages.ENTRIES_MAX,
    PEERS_MAX: messages.PEERS_MAX,
    GONE_MAX: messages.GONE_MAX,
    SYNC_KEYS_MAX: messages.SYNC_KEYS_MAX,
    SYNC_BUCKETS_MAX: messages.SYNC_BUCKETS_MAX,
    SYNC_PAGE_KEYS_MAX: messages.SYNC_PAGE_KEYS_MAX,
    DESCRIPTOR_BYTES_MAX,
    SELECTOR_MAX,
    VNODE_MAX,
    COOKIE_WINDOW_MS,
    RTO_INITIAL_MS: rto.RTO_INITIAL_MS,
    RTO_MIN_MS: rto.RTO_MIN_MS,
    RTO_MAX_MS: rto.RTO_MAX_MS,
    ...RPC_LIMITS,
    ...RING_TIMING,
    ...REPLICATION_TIMINGS,
  };

  test.each(Object.entries(constants))('gives %s as %d', (name, value) => {
    expect(table.get(name)).toBe(String(value));
  });

  const asking = [...page.matchAll(/^\| `(\w+)` of `([\w-]+)` \| ([\d ]+) \|/gm)];

  test.each(asking.map(([, name = '', file = '', value = '']) => [name, file, value.replaceAll(' ', '')]))(
    'gives %s of %s as %s',
    (name, file, value) => {
      const [, coded] =
        new RegExp(`^(?:export )?const ${name} = ([\\d_]+);`, 'm').exec(read(`src/dht/${file}.ts`)) ?? [];
      expect(coded?.replaceAll('_', '')).toBe(value);
    },
  );

  test('has what one who asks goes by', () => {
    expect(asking.length).toBeGreaterThan(20);
  });

  test.each([
    ['LMAX', RECORD_LIMITS.lifetimeMaxSec],
    ['SKEW', RECORD_LIMITS.skewMs / 1000],
    ['entry', ENTRY_BYTES_MAX],
    ['series a binding', RECORD_LIMITS.seriesPerBinding],
    ['records a name, in one PUBLISH too', RECORD_LIMITS.recordsPerName],
    ['shown', RECORD_LIMITS.visibleMax],
  ])('docs/lsp-entry.md gives %s as %d', (name, value) => {
    expect(new RegExp(`^\\| ${name} \\| (\\d+)`, 'm').exec(entryPage)?.[1]).toBe(String(value));
  });

  test('padding and cookies by request are what the code does', () => {
    const listed = new Map(
      [
        ...page.matchAll(
          /^\| ((?:[A-Z]+(?:, )?)+)(?:;[^|]*)? \| (answered|challenged)[^|]*?(?:to (\d+) bytes)? \|$/gm,
        ),
      ].flatMap(([, names = '', verb, padTo]) =>
        names
          .split(', ')
          .map((name): [string, unknown] => [name.toLowerCase(), { verb, padTo: Number(padTo ?? 0) }]),
      ),
    );
    const coded = Object.entries(REQUEST_TRAITS).map(([type, { cookie, padTo }]) => [
      type,
      { verb: cookie ? 'challenged' : 'answered', padTo },
    ]);
    expect(listed).toEqual(new Map(coded as [string, unknown][]));
  });
});

test('the page shows its examples as the vectors have them', () => {
  const byName = new Map(vectors.frames.map(({ name, datagram }) => [name, datagram]));
  const examples = [...page.matchAll(/```hex (.+)\n([\s\S]*?)```/g)];
  expect(examples.length).toBeGreaterThanOrEqual(6);
  for (const [, name = '', shown = ''] of examples) {
    // `00*N` stands for N zero bytes of padding; what follows `;` is for people.
    const bytes = shown
      .replace(/;.*$/gm, '')
      .replace(/00\*(\d+)/g, (_, count: string) => '00'.repeat(Number(count)))
      .replace(/\s/g, '');
    expect(bytes, name).toBe(byName.get(name));
  }
});

test('docs/lsp-entry.md: the worked example and the names are those of the vectors', () => {
  const [, block = ''] = /```steps\n([\s\S]*?)```/.exec(entryPage) ?? [];
  const shown = new Map<string, string>();
  let name = '';
  for (const line of block.split('\n')) {
    const [, named = '', bytes = ''] = /^(\S[\w -]*?)?\s*((?:[0-9a-f]{2})*)\s*(?:;.*)?$/.exec(line) ?? [];
    if (named !== '') name = named;
    if (bytes !== '') shown.set(name, (shown.get(name) ?? '') + bytes);
  }
  expect(Object.fromEntries(shown)).toEqual(entryVectors.steps);
  for (const { uri, scheme, user, domain, key } of entryVectors.names)
    expect(entryPage).toContain(`| \`${uri}\` | \`${scheme}\` | \`${user}\` | \`${domain}\` | \`${key}\` |`);
  const [, removal = ''] = /```removal\n([\s\S]*?)```/.exec(entryPage) ?? [];
  const removed = entryVectors.entries.find(({ title }) => title === 'removal of one contact')?.entry;
  expect(removal.replace(/\s/g, '')).toBe(removed);
  for (const { contact, canonical } of entryVectors.contacts)
    expect(entryPage).toContain(`| \`${contact}\` | \`${canonical}\` |`);
});
