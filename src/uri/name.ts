// Names: whose bindings a URI asks for, in any scheme, in the one form that is hashed, signed and compared.
import { fail, ok, type Result } from '../runtime/result.ts';
import { canonicalDomain, canonicalHost } from './hosts.ts';
import { bracketed, parseSipUri, schemeOf, URI_CHARS_MAX } from './parse.ts';
import type { Aor, LocationName, SipUri } from './types.ts';

const USER_CHARS_MAX = 512;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undoes %HH once. Fails on what is no UTF-8, because two different users must not become one. */
const unescapeOnce = (text: string): Result<string> => {
  if (!text.includes('%')) return ok(text);
  const bytes = new TextEncoder().encode(text);
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x25) {
      out[length] = byte;
    } else {
      const hex = String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0);
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return fail('a % that no two hex digits follow');
      out[length] = Number.parseInt(hex, 16);
      at += 2;
    }
    length += 1;
  }
  try {
    return ok(utf8.decode(out.subarray(0, length)));
  } catch (error) {
    if (error instanceof TypeError) return fail('the user part is not UTF-8');
    throw error;
  }
};

const nameOf = (scheme: string, escapedUser: string, domain: string): Result<LocationName> => {
  const user = unescapeOnce(escapedUser);
  if (!user.ok) return user;
  if (user.value === '') return fail('the URI names no user');
  if (user.value.length > USER_CHARS_MAX) return fail('the user part is too long');
  return ok({ scheme, user: user.value, domain });
};

/**
 * The name of a parsed SIP URI. RFC 3261 §10.3 step 5: "all URI parameters MUST be removed (including the user-param),
 * and any escaped characters MUST be converted to their unescaped form"; password, port and headers go likewise.
 */
export const sipLocationName = (uri: SipUri): Result<LocationName> =>
  uri.user === undefined ? fail('the URI names no user') : nameOf('sip', uri.user, canonicalHost(uri.host));

/** A host that isn't ASCII is no SIP URI yet; a person who types one means its A-label. */
const withAsciiHost = (text: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is "anything but ASCII".
  if (!/[^\x00-\x7f]/.test(text)) return text;
  const hostStart = text.indexOf('@') + 1;
  const length = text.slice(hostStart).search(/[:;?]/);
  const hostEnd = length < 0 ? text.length : hostStart + length;
  const domain = canonicalDomain(text.slice(hostStart, hostEnd));
  return domain.ok ? text.slice(0, hostStart) + domain.value + text.slice(hostEnd) : text;
};

/** The name that a URI of any scheme with a user and a domain stands for; the error is for people. */
export const locationName = (uriText: string): Result<LocationName> => {
  if (uriText.length > URI_CHARS_MAX) return fail('the URI is too long');
  const scheme = schemeOf(uriText);
  if (scheme === undefined) return fail('not a URI: write scheme:user@domain, such as sip:bob@biloxi.com');
  if (scheme === 'tel') {
    const number = uriText.slice('tel:'.length).split(';', 1)[0] ?? '';
    return fail(
      `a tel: URI has no domain to answer for it: map it to sip:${number || '+NUMBER'}@DOMAIN;user=phone`,
    );
  }
  if (scheme === 'sip' || scheme === 'sips') {
    const uri = parseSipUri(withAsciiHost(uriText));
    return uri.ok ? sipLocationName(uri.value) : uri;
  }
  // scheme:user@domain, whatever the scheme hangs behind it (an XMPP resource, parameters, a port).
  const rest = uriText.slice(scheme.length + 1);
  const at = rest.indexOf('@');
  if (at < 0) return fail(`a ${scheme}: URI needs user@domain`);
  const tail = rest.slice(at + 1);
  const host = /^(?:\[[^\]]*\]|[^:;?/#]*)/.exec(tail)?.[0] ?? '';
  const domain = canonicalDomain(host);
  if (!domain.ok) return domain;
  return nameOf(scheme, rest.slice(0, at), domain.value);
};

// What may stand unescaped in the user part of a SIP URI (RFC 3261 §25.1: unreserved / user-unreserved).
const USER_PLAIN = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/]*$/;
const userEncoder = new TextEncoder();

const escapeUser = (user: string): string => {
  if (USER_PLAIN.test(user)) return user;
  let text = '';
  for (const byte of userEncoder.encode(user)) {
    const char = String.fromCharCode(byte);
    text += USER_PLAIN.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
};

/** The name as one text; `locationName` of it gives the name back. */
export const aorOf = (name: LocationName): Aor =>
  // The brand is made here and nowhere else.
  `${name.scheme}:${escapeUser(name.user)}@${bracketed(name.domain)}` as Aor;
