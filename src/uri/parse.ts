// sip: and sips: URIs, strictly by RFC 3261 §25.1, in time linear in their length.
import { fail, ok, type Result } from '../runtime/result.ts';
import { isHost } from './hosts.ts';
import { findParam, formatParams } from './params.ts';
import type { Param, SipUri } from './types.ts';

export const URI_CHARS_MAX = 8192;
const URI_PARAMS_MAX = 32;
const URI_HEADERS_MAX = 32;

// Each pattern is one class, repeated: there is nothing to go back to.
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/;
const PASSWORD = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*$/;
const PARAM = /^(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+$/;
const HEADERS = /^(?:[A-Za-z0-9\-_.!~*'()[\]/?:+$&=]|%[0-9A-Fa-f]{2})+$/;
const PORT = /^\d{1,5}$/;

const NO_PARAMS: Result<readonly Param[]> = ok([]);

interface HostPort {
  readonly host: string;
  readonly port?: number;
}

const parsePort = (text: string): number | undefined => {
  if (!PORT.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
};

/** `host[:port]`, IPv6 in brackets; the host in lower case, without brackets. */
export const parseHostPort = (text: string): Result<HostPort> => {
  let hostEnd: number;
  let host: string;
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close < 0) return fail('an IPv6 address without its closing bracket');
    hostEnd = close + 1;
    // RFC 5118 §4.10: the grammar of RFC 3261 makes a third colon before an IPv4 tail; read it as two.
    host = text.slice(1, close).toLowerCase().replace(':::', '::');
    if (!host.includes(':') || !isHost(host)) return fail('no IPv6 address between the brackets');
  } else {
    const colon = text.indexOf(':');
    hostEnd = colon < 0 ? text.length : colon;
    host = text.slice(0, hostEnd).toLowerCase();
    if (!isHost(host)) return fail('the host is neither a name nor an address');
  }
  if (hostEnd === text.length) return ok({ host });
  const port = text.charCodeAt(hostEnd) === 0x3a ? parsePort(text.slice(hostEnd + 1)) : undefined;
  return port === undefined ? fail('the port is no number from 1 to 65535') : ok({ host, port });
};

const parseParams = (text: string): Result<readonly Param[]> => {
  const pieces = text.split(';', URI_PARAMS_MAX + 1);
  if (pieces.length > URI_PARAMS_MAX) return fail('too many URI parameters');
  const params: Param[] = [];
  for (const piece of pieces) {
    const equals = piece.indexOf('=');
    const name = (equals < 0 ? piece : piece.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? undefined : piece.slice(equals + 1);
    if (!PARAM.test(name) || (value !== undefined && !PARAM.test(value))) {
      return fail('a URI parameter is malformed');
    }
    // RFC 3261 §19.1.1: "any given parameter-name MUST NOT appear more than once." baresip repeats its transport; said
    // twice alike it means one thing, said twice otherwise nobody knows which.
    const known = findParam(params, name);
    if (known === undefined) params.push(value === undefined ? { name } : { name, value });
    else if (known.value !== value) return fail('a URI parameter stands twice with different values');
  }
  return ok(params);
};

/** The scheme of any URI in lower case, or undefined if the text has none. */
export const schemeOf = (uri: string): string | undefined => {
  const colon = uri.indexOf(':');
  if (colon < 1 || colon > 64) return undefined;
  const scheme = uri.slice(0, colon);
  return /^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme) ? scheme.toLowerCase() : undefined;
};

/** Parses a sip: or sips: URI; the error says in words what is wrong with it. */
export const parseSipUri = (text: string): Result<SipUri> => {
  if (text.length > URI_CHARS_MAX) return fail('the URI is too long');
  const scheme = schemeOf(text);
  if (scheme !== 'sip' && scheme !== 'sips') return fail('not a sip: or sips: URI');
  let rest = text.slice(scheme.length + 1);

  // An unescaped @ can stand nowhere but behind the user part, which may hold ; and ? of its own.
  const at = rest.indexOf('@');
  let user: string | undefined;
  let password: string | undefined;
  if (at >= 0) {
    const userinfo = rest.slice(0, at);
    rest = rest.slice(at + 1);
    const colon = userinfo.indexOf(':');
    user = colon < 0 ? userinfo : userinfo.slice(0, colon);
    if (!USER.test(user)) return fail('the user part is malformed');
    if (colon >= 0) {
      password = userinfo.slice(colon + 1);
      if (!PASSWORD.test(password)) return fail('the password part is malformed');
    }
  }

  const question = rest.indexOf('?');
  const headers = question < 0 ? undefined : rest.slice(question + 1);
  if (headers !== undefined && !HEADERS.test(headers)) return fail('the header part is malformed');
  if (headers !== undefined && headers.split('&', URI_HEADERS_MAX + 1).length > URI_HEADERS_MAX)
    return fail('too many URI headers');
  if (question >= 0) rest = rest.slice(0, question);

  const semicolon = rest.indexOf(';');
  const params = semicolon < 0 ? NO_PARAMS : parseParams(rest.slice(semicolon + 1));
  if (!params.ok) return params;
  const place = parseHostPort(semicolon < 0 ? rest : rest.slice(0, semicolon));
  if (!place.ok) return place;

  const { host, port } = place.value;
  // By far the most URIs have a user and nothing odd: an object written out costs a tenth of one spread together.
  if (user !== undefined && password === undefined && headers === undefined) {
    return ok(
      port === undefined
        ? { scheme, user, host, params: params.value }
        : { scheme, user, host, port, params: params.value },
    );
  }
  return ok({
    scheme,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    host,
    ...(port === undefined ? {} : { port }),
    params: params.value,
    ...(headers === undefined ? {} : { headers }),
  });
};

/** IPv6 in brackets, anything else as it is. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** The text of a SIP URI; `parseSipUri` of it gives the same parts. */
export const formatSipUri = (uri: SipUri): string => {
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    text += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`;
  }
  text += bracketed(uri.host);
  if (uri.port !== undefined) text += `:${uri.port}`;
  text += formatParams(uri.params);
  return uri.headers === undefined ? text : `${text}?${uri.headers}`;
};
