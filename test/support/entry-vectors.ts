// Builds test/vectors/entry.json by the words of docs/lsp-entry.md, without the code under test but for CBOR: every
// intermediate value of an entry, from fixed keys.
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  sign,
} from 'node:crypto';
import { encodeCbor } from '../../src/record/cbor-writer.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const hashOf = (...parts: readonly unknown[]): Uint8Array => sha256(encodeCbor(parts));
const hmacId = (key: Uint8Array, ...parts: readonly unknown[]): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(encodeCbor(parts)).digest().subarray(0, 16));

const given = {
  overlayId: 'lsp',
  seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  selector: 0,
  random: '000102030405060708090a0b0c0d0e0f',
  wallMs: 1800000000000,
  version: '117964800000000005',
  name: { scheme: 'sip', user: 'bob', domain: 'biloxi.com' },
  series: '843817637684230@998sdasdh09',
  seq: 1826,
};

interface Change {
  readonly contact: string;
  readonly canonicalContact: string;
  readonly instance?: string;
  readonly regId?: number;
  readonly q?: number;
  readonly params: readonly { readonly name: string; readonly value?: string }[];
  readonly path: readonly string[];
  readonly expiresSec: number;
  readonly userAgent?: string;
}

const least: Change = {
  contact: 'sip:bob@192.0.2.4',
  canonicalContact: 'sip:bob@192.0.2.4',
  params: [],
  path: [],
  expiresSec: 3600,
};
const CHANGES: readonly { readonly title: string; readonly changes: readonly Change[] | 'all' }[] = [
  { title: 'binding, the least: a contact', changes: [least] },
  {
    title: 'binding, everything: instance, reg-id, q, parameters, Path, user agent',
    changes: [
      {
        contact: 'sip:Bob@192.0.2.4:5060',
        canonicalContact: 'sip:Bob@192.0.2.4',
        instance: 'urn:uuid:00000000-0000-1000-8000-000A95A0E128',
        regId: 1,
        q: 0.7,
        params: [{ name: 'audio' }, { name: 'methods', value: '"INVITE,ACK"' }],
        path: ['<sip:edge.biloxi.com;lr>'],
        expiresSec: 3600,
        userAgent: 'vector/1.0',
      },
    ],
  },
  { title: 'removal of one contact', changes: [{ ...least, expiresSec: 0 }] },
  { title: 'removal of everything', changes: 'all' },
];

const PROTECTED = unhex('a10127');
const { scheme, user, domain } = given.name;
const userHash = hashOf('lsp-user', scheme, user, domain);
const key = hashOf('lsp-key', domain, userHash).subarray(0, 20);
const secret = hashOf('lsp-secret', scheme, user, domain);
const series = hmacId(secret, 'lsp-series', given.series);
// RFC 8410: an Ed25519 private key is 32 bytes behind this head, in PKCS #8.
const privateKey = createPrivateKey({
  key: Buffer.concat([unhex('302e020100300506032b657004220420'), unhex(given.seed)]),
  format: 'der',
  type: 'pkcs8',
});
const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);

const signatureInput = (payload: Uint8Array): Uint8Array =>
  encodeCbor(['Signature1', PROTECTED, Buffer.from(given.overlayId), payload]);
const entryOf = (payload: Uint8Array, sealed: Uint8Array | null): Uint8Array =>
  encodeCbor([PROTECTED, new Map(), payload, sign(null, signatureInput(payload), privateKey), sealed]);

const contactBytes = (change: Change): Uint8Array => {
  const fields = new Map<number, unknown>([[1, change.contact]]);
  if (change.canonicalContact !== change.contact) fields.set(2, change.canonicalContact);
  if (change.instance !== undefined) fields.set(3, change.instance);
  if (change.regId !== undefined) fields.set(4, change.regId);
  if (change.q !== undefined) fields.set(5, Math.round(1000 * change.q));
  if (change.params.length > 0)
    fields.set(
      6,
      change.params.map(({ name, value }) => (value === undefined ? [name] : [name, value])),
    );
  if (change.path.length > 0) fields.set(7, change.path);
  if (change.userAgent !== undefined) fields.set(8, change.userAgent);
  return encodeCbor(fields);
};

/** `extra`: fields of the core that a later version may have added. */
const build = (changes: readonly Change[] | 'all', extra: readonly [number, unknown][] = []) => {
  const change = changes === 'all' ? undefined : changes[0];
  const kind = change === undefined ? 2 : change.expiresSec === 0 ? 1 : 0;
  const core = new Map<number, unknown>([
    [1, domain],
    [2, userHash],
    [3, given.selector],
    [4, kind],
  ]);
  let ids: Readonly<Record<string, string>> = {};
  if (change !== undefined) {
    const contactId = hmacId(secret, 'lsp-contact', change.canonicalContact);
    const { instance, regId } = change;
    const bindingId =
      instance === undefined || regId === undefined
        ? contactId
        : hmacId(secret, 'lsp-instance', instance, regId);
    core.set(5, bindingId).set(6, contactId);
    ids = { bindingId: hex(bindingId), contactId: hex(contactId) };
  }
  core
    .set(7, series)
    .set(8, given.seq)
    .set(9, BigInt(given.version))
    .set(10, change?.expiresSec ?? 0);
  for (const [at, value] of extra) core.set(at, value);
  const coreBytes = encodeCbor(core);
  let sealed: Uint8Array | null = null;
  let seal: Readonly<Record<string, string>> = {};
  if (change !== undefined && kind === 0) {
    const random = unhex(given.random);
    const sealKey = new Uint8Array(hkdfSync('sha256', secret, random, 'lsp-seal', 32));
    const contact = contactBytes(change);
    const cipher = createCipheriv('chacha20-poly1305', sealKey, new Uint8Array(12), { authTagLength: 16 });
    cipher.setAAD(coreBytes, { plaintextLength: contact.length });
    sealed = Buffer.concat([random, cipher.update(contact), cipher.final(), cipher.getAuthTag()]);
    seal = {
      contact: hex(contact),
      sealKey: hex(sealKey),
      sealed: hex(sealed),
      sealHash: hex(sha256(sealed)),
    };
  }
  const payload = encodeCbor([coreBytes, sealed === null ? null : sha256(sealed)]);
  return { ids, coreBytes, seal, payload, sealed, bytes: entryOf(payload, sealed) };
};

const vectorOf = (
  title: string,
  changes: readonly Change[] | 'all',
  extra: readonly [number, unknown][] = [],
) => {
  const { ids, coreBytes, seal, payload, bytes } = build(changes, extra);
  return {
    title,
    changes,
    ...ids,
    core: hex(coreBytes),
    ...seal,
    signed: hex(signatureInput(payload)),
    entry: hex(bytes),
    withoutPayload: hex(entryOf(payload, null)),
  };
};

/** The least binding with one thing wrong. */
const refused = (): readonly { readonly title: string; readonly error: string; readonly entry: string }[] => {
  const good = build([least]);
  const text = hex(good.bytes);
  const swapped = (from: string, to: string): string => {
    if (text.split(from).length !== 2) throw new Error(`vector: ${from} is not there once`);
    return text.replace(from, to);
  };
  const resigned = (extra: readonly [number, unknown][]): string => hex(build([least], extra).bytes);
  const removalWithSeal = encodeCbor([build([{ ...least, expiresSec: 0 }]).coreBytes, sha256(good.bytes)]);
  const other = createCipheriv('chacha20-poly1305', new Uint8Array(32), new Uint8Array(12), {
    authTagLength: 16,
  });
  const foreign = Buffer.concat([
    unhex(given.random),
    other.update(new Uint8Array(20)),
    other.final(),
    other.getAuthTag(),
  ]);
  return [
    {
      title: 'another algorithm than EdDSA',
      error: 'ERR_ENTRY_ALGORITHM',
      entry: swapped('43a10127', '43a10126'),
    },
    { title: 'a trailing byte', error: 'ERR_ENTRY_MALFORMED', entry: `${text}00` },
    { title: 'cut short', error: 'ERR_ENTRY_MALFORMED', entry: text.slice(0, -2) },
    { title: 'an indefinite array', error: 'ERR_ENTRY_MALFORMED', entry: `9f${text.slice(2)}ff` },
    { title: 'more than 800 bytes', error: 'ERR_ENTRY_TOO_LARGE', entry: text.padEnd(1602, '0') },
    { title: 'a key twice', error: 'ERR_ENTRY_FIELDS', entry: swapped('030004', '030003') },
    { title: 'keys out of order', error: 'ERR_ENTRY_FIELDS', entry: swapped('03000400', '04000300') },
    {
      title: 'domain in upper case',
      error: 'ERR_ENTRY_FIELDS',
      entry: swapped('62696c6f78692e636f6d', '42494c4f58492e434f4d'),
    },
    {
      title: 'a number longer than it needs to be',
      error: 'ERR_ENTRY_FIELDS',
      entry: swapped('08190722', '081a0722'),
    },
    { title: 'a kind that does not exist', error: 'ERR_ENTRY_FIELDS', entry: resigned([[4, 3]]) },
    { title: 'selector 16', error: 'ERR_ENTRY_FIELDS', entry: resigned([[3, 16]]) },
    { title: 'a binding without lifetime', error: 'ERR_ENTRY_FIELDS', entry: resigned([[10, 0]]) },
    {
      title: 'an unknown field of five levels',
      error: 'ERR_ENTRY_FIELDS',
      entry: resigned([[11, [[[[[1]]]]]]]),
    },
    {
      title: 'a removal with the hash of a seal',
      error: 'ERR_ENTRY_FIELDS',
      entry: hex(entryOf(removalWithSeal, null)),
    },
    { title: 'of another name', error: 'ERR_ENTRY_WRONG_KEY', entry: resigned([[2, new Uint8Array(32)]]) },
    {
      title: 'the seal of another entry',
      error: 'ERR_ENTRY_SEAL',
      entry: hex(entryOf(good.payload, foreign)),
    },
    { title: 'a selector without a key', error: 'ERR_ENTRY_SIGNER_UNKNOWN', entry: resigned([[3, 1]]) },
    { title: 'a changed seq', error: 'ERR_ENTRY_SIGNATURE', entry: swapped('08190722', '08190723') },
  ];
};

/** URI → scheme, user, domain. */
const NAMES: readonly (readonly [uri: string, scheme: string, user: string, domain: string])[] = [
  ['sip:bob@biloxi.com', 'sip', 'bob', 'biloxi.com'],
  ['sips:bob@Biloxi.COM.:5061;transport=tls?x=y', 'sip', 'bob', 'biloxi.com'],
  ['sip:b%6Fb:secret@biloxi.com', 'sip', 'bob', 'biloxi.com'],
  ['sip:Bob@biloxi.com', 'sip', 'Bob', 'biloxi.com'],
  ['sip:%C3%BCte@xn--bcher-kva.example', 'sip', 'üte', 'xn--bcher-kva.example'],
  ['sip:+12125551212@biloxi.com;user=phone', 'sip', '+12125551212', 'biloxi.com'],
  ['h323:bob@biloxi.com', 'h323', 'bob', 'biloxi.com'],
  ['xmpp:bob@biloxi.com/balcony', 'xmpp', 'bob', 'biloxi.com'],
  ['sip:bob@[2001:DB8:0:0::1]', 'sip', 'bob', '2001:db8::1'],
  ['sip:bob@[::FFFF:c000:204]', 'sip', 'bob', '::ffff:192.0.2.4'],
  ['sip:bob@[64:ff9b::192.0.2.4]', 'sip', 'bob', '64:ff9b::c000:204'],
  ['sip:bob@bücher.example', 'sip', 'bob', 'xn--bcher-kva.example'],
  ['sip:bob@straße.example', 'sip', 'bob', 'xn--strae-oqa.example'],
  ['xmpp:ü@pbx_1.example:5222', 'xmpp', 'ü', 'pbx_1.example'],
];

/** A contact URI as registered, and the canonical form that contact-id is made of. */
const CONTACTS: readonly (readonly [contact: string, canonical: string])[] = [
  ['sip:bob@192.0.2.4', 'sip:bob@192.0.2.4'],
  ['SIP:b%6Fb%2fx@BILOXI.com.:5060', 'sip:bob%2Fx@biloxi.com:5060'],
  ['sip:bob@h;Transport=TCP;line=1;ob', 'sip:bob@h;line=1;ob;transport=tcp'],
  ['sip:h;lr', 'sip:h;lr'],
  ['sip:[2001:DB8:0::1]?Subject=A%62&to=x', 'sip:[2001:db8::1]?subject=Ab&to=x'],
  ['h323:bob@Gateway:1720', 'h323:bob@Gateway:1720'],
  ['sip:h;X=%61%2F', 'sip:h;x=a%2f'],
  ['sip:h?A=%2f&B', 'sip:h?a=%2F&b'],
  ['sips:h:05061;lr;LR', 'sips:h:5061;lr'],
];

/** The least binding, made step by step: what docs/lsp-entry.md shows under "Worked example". */
const steps = () => {
  const { ids, coreBytes, seal, payload, bytes } = build([least]);
  const input = (...parts: readonly unknown[]): string => hex(encodeCbor(parts));
  return {
    'user-hash of': input('lsp-user', scheme, user, domain),
    'user-hash': hex(userHash),
    'key of': input('lsp-key', domain, userHash),
    key: hex(key),
    'secret of': input('lsp-secret', scheme, user, domain),
    secret: hex(secret),
    'contact-id of': input('lsp-contact', least.canonicalContact),
    'contact-id': ids['contactId'] ?? '',
    'series of': input('lsp-series', given.series),
    series: hex(series),
    core: hex(coreBytes),
    'HKDF PRK': createHmac('sha256', unhex(given.random)).update(secret).digest('hex'),
    'seal key': seal['sealKey'] ?? '',
    contact: seal['contact'] ?? '',
    sealed: seal['sealed'] ?? '',
    'seal-hash': seal['sealHash'] ?? '',
    payload: hex(payload),
    Sig_structure: hex(signatureInput(payload)),
    'private key': given.seed,
    'public key': hex(publicKey),
    signature: hex(sign(null, signatureInput(payload), privateKey)),
    entry: hex(bytes),
  };
};

export const buildEntryVectors = () => ({
  about:
    'Entries of docs/lsp-entry.md: from `given` every implementation comes to the same bytes (Ed25519 is deterministic, the random bytes are given). All bytes in hex.',
  given,
  derived: {
    publicKey: hex(publicKey),
    userHash: hex(userHash),
    key: hex(key),
    secret: hex(secret),
    series: hex(series),
    digestOfKey: hex(
      sha256(Buffer.concat([build([least]).bytes.subarray(0, -54), Buffer.from('+')])).subarray(0, 8),
    ),
  },
  keyRecord: {
    name: `${given.selector}._lsp.${domain}`,
    text: `v=LSP1; k=ed25519; p=${Buffer.from(publicKey).toString('base64')}`,
  },
  steps: steps(),
  contacts: CONTACTS.map(([contact, canonical]) => ({ contact, canonical })),
  names: NAMES.map(([uri, ...name]) => ({
    uri,
    scheme: name[0],
    user: name[1],
    domain: name[2],
    key: hex(hashOf('lsp-key', name[2], hashOf('lsp-user', ...name)).subarray(0, 20)),
  })),
  entries: CHANGES.map(({ title, changes }) => vectorOf(title, changes)),
  later: [vectorOf('a field of a later version', [least], [[11, ['kept', 1]]])],
  refused: refused(),
});
