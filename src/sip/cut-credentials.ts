// A message without what would let its reader in: passwords, digests, tokens and media keys become x, byte for byte.

/** Parameters of digest headers that tell who and how, not with what. All others are cut, unknown ones too. */
const KEPT = new Set([
  'username',
  'realm',
  'algorithm',
  'uri',
  'qop',
  'nc',
  'stale',
  'domain',
  'charset',
  'userhash',
]);

/** Parameters whose names may be seen, and their values not. */
const CUT = new Set(['response', 'nonce', 'cnonce', 'opaque', 'nextnonce', 'rspauth', 'auts']);
/** One of them in the value of another, whose closing quote is missing. */
const SWALLOWED = /(?:response|nonce|opaque|rspauth|auts)\s*=/i;
const SCHEMES = new Set(['basic', 'bearer', 'ntlm', 'kerberos']);

/**
 * At the beginning of any line, those that continue a row included, for a phone that writes a space too many has sent its
 * digest all the same. Between the name and the value: a colon, or what stands there instead of it.
 */
const CREDENTIALS =
  /(?:^|[\r\n])[^\w\r\n-]*(?:(?:proxy-)?authorization|(?:www|proxy)-authenticate|(?:proxy-)?authentication-info)[^!-9<-~]+/i;
/** Whoever shows such a URI's user part is let through (RFC 3327, RFC 5626 §5.3): it is a token. */
const ROUTES = /^(?:record-route|route|path|service-route)[ \t]*:/i;

/** What separates stays; of a quoted string everything but its quotes goes. */
const mask = (text: string): string => {
  if (!text.startsWith('"')) return text.replace(/[^\s",=]/g, 'x');
  const closed = text.length > 1 && text.endsWith('"');
  const inner = text.slice(1, closed ? -1 : undefined).replace(/[^\r\n]/g, 'x');
  return closed ? `"${inner}"` : `"${inner}`;
};

const mayBeSeen = (value: string): boolean =>
  (value.startsWith('"') ? value.length > 1 && value.endsWith('"') : true) && !SWALLOWED.test(value);

const isSpace = (char: string | undefined): boolean =>
  char === ' ' || char === '\t' || char === '\r' || char === '\n';

/** The end of what begins at `start` and holds no character of `ends`. */
const runEnd = (text: string, start: number, ends: string): number => {
  let at = start;
  while (at < text.length && !ends.includes(text[at] ?? '')) at += 1;
  return at;
};

const spaceEnd = (text: string, start: number): number => {
  let at = start;
  while (isSpace(text[at])) at += 1;
  return at;
};

/** Behind the closing quote of the string that opens at `start`, or the end of the text. */
const quotedEnd = (text: string, start: number): number => {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, text.length);
};

/** One pass over the value of a header with credentials; what isn't understood is cut. */
const cutParams = (text: string): string => {
  let out = '';
  let at = spaceEnd(text, 0);
  out += text.slice(0, at);
  const schemeEnd = runEnd(text, at, ' \t\r\n,="');
  if (text[spaceEnd(text, schemeEnd)] !== '=') {
    const scheme = text.slice(at, schemeEnd);
    if (!/^digest$/i.test(scheme))
      return out + (SCHEMES.has(scheme.toLowerCase()) ? scheme : mask(scheme)) + mask(text.slice(schemeEnd));
    out += scheme;
    at = schemeEnd;
  }
  while (at < text.length) {
    const nameEnd = runEnd(text, at, ' \t\r\n,="');
    const equals = spaceEnd(text, nameEnd);
    if (nameEnd === at || text[equals] !== '=') {
      // No parameter: white space, a comma, or something broken. What was looked at is not looked at again.
      const end = equals > at ? equals : text[at] === '"' ? quotedEnd(text, at) : at + 1;
      out += mask(text.slice(at, end));
      at = end;
      continue;
    }
    const valueAt = spaceEnd(text, equals + 1);
    const end = text[valueAt] === '"' ? quotedEnd(text, valueAt) : runEnd(text, valueAt, ' \t\r\n,');
    const [name, value] = [text.slice(at, nameEnd), text.slice(valueAt, end)];
    const key = name.toLowerCase();
    const kept = KEPT.has(key);
    out += kept || CUT.has(key) ? name : mask(name);
    out += text.slice(nameEnd, valueAt) + (kept && mayBeSeen(value) ? value : mask(value));
    at = end;
  }
  return out;
};

const x = (text: string): string => 'x'.repeat(text.length);

// What no @ follows is matched too, and left as it is: so no character is looked at again from another beginning.
const ROUTE_USER = /(sips?:)([^\s@<>"]+)(@?)/gi;
const URI_PASSWORD = /(sips?:[^\s@:<>"?]*:)([^\s@<>"?]+)(@?)/gi;
const URI_AUTHORIZATION = /([?&](?:proxy-)?authorization=)([^\s&<>"]+)/gi;
/** SDES keys (RFC 4568), ICE passwords and the k= line of SDP: with them a recorded call is a heard one. */
const MEDIA_KEYS = /(inline:|a=ice-pwd:|\nk=[a-z]{1,16}:)([^\s|]+)/gi;

const cutBeforeAt = (_: string, before: string, secret: string, at: string): string =>
  before + (at === '' ? secret : x(secret)) + at;

const cutHeader = (text: string): string => {
  const found = CREDENTIALS.exec(text);
  if (found !== null) {
    const end = found.index + found[0].length;
    return text.slice(0, end) + cutParams(text.slice(end));
  }
  return ROUTES.test(text) ? text.replace(ROUTE_USER, cutBeforeAt) : text;
};

/** The same message, of the same length. Bodies are searched as heads are: one message may hold another. */
export const cutCredentials = (bytes: Uint8Array): Uint8Array => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  // A row goes on where the next line begins with white space (RFC 3261 §7.3.1); broken messages end lines with CR or LF alone.
  const rows = text.split(/(?<=\n|\r(?!\n))(?![ \t])/);
  const cut = rows
    .map(cutHeader)
    .join('')
    .replace(URI_PASSWORD, cutBeforeAt)
    .replace(URI_AUTHORIZATION, (_, before: string, value: string) => before + x(value))
    .replace(MEDIA_KEYS, (_, before: string, key: string) => before + x(key));
  return Buffer.from(cut, 'latin1');
};
