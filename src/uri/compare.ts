// When two SIP URIs are the same (RFC 3261 §19.1.4), and a text that is equal for equal contacts.
//
// §19.1.4 is not transitive: `sip:a@b` equals `sip:a@b;x=1` and `sip:a@b;x=2` ("All other uri-parameters appearing
// in only one URI are ignored"), which differ from each other. No canonical text can follow it everywhere. Ours keeps
// every parameter, so it never joins two contacts that the RFC holds apart (a phone with `;line=1` and `;line=2`
// keeps both); it parts only URIs that the RFC calls equal where one lacks a parameter without a meaning there.
// What that costs: a phone that adds or drops such a parameter between refreshes shows twice until the old expires.
import { canonicalHost } from './hosts.ts';
import { findParam } from './params.ts';
import { bracketed, parseSipUri } from './parse.ts';
import type { Param, SipUri } from './types.ts';

const UNRESERVED = /[A-Za-z0-9\-_.!~*'()]/;

/** "Characters other than those in the "reserved" set are equivalent to their "%" HEX HEX encoding." (§19.1.4) */
const canonicalEscapes = (text: string): string =>
  text.includes('%')
    ? text.replace(/%([0-9A-Fa-f]{2})/g, (escaped, hex: string) => {
        const char = String.fromCharCode(Number.parseInt(hex, 16));
        return UNRESERVED.test(char) ? char : escaped.toUpperCase();
      })
    : text;

/** Parameters compare without regard to case and order. */
const canonicalParam = ({ name, value }: Param): Param => {
  const key = canonicalEscapes(name).toLowerCase();
  return value === undefined ? { name: key } : { name: key, value: canonicalEscapes(value).toLowerCase() };
};

/** Header names without regard to case, values as written: how they compare is each header's own business. */
const canonicalHeaders = (headers: string): string =>
  headers
    .split('&')
    .map((header) => {
      const equals = header.indexOf('=');
      if (equals < 0) return canonicalEscapes(header).toLowerCase();
      const name = canonicalEscapes(header.slice(0, equals)).toLowerCase();
      return `${name}=${canonicalEscapes(header.slice(equals + 1))}`;
    })
    .sort()
    .join('&');

const canonicalUser = (uri: SipUri): string | undefined => {
  if (uri.user === undefined) return undefined;
  const user = canonicalEscapes(uri.user);
  return uri.password === undefined ? user : `${user}:${canonicalEscapes(uri.password)}`;
};

const canonicalSipUri = (uri: SipUri): string => {
  const user = canonicalUser(uri);
  let text = `${uri.scheme}:${user === undefined ? '' : `${user}@`}${bracketed(canonicalHost(uri.host))}`;
  // "a URI omitting any component with a default value will not match a URI explicitly containing that component".
  if (uri.port !== undefined) text += `:${uri.port}`;
  const params = uri.params
    .map(canonicalParam)
    .map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
  for (const param of params.sort()) text += `;${param}`;
  return uri.headers === undefined ? text : `${text}?${canonicalHeaders(uri.headers)}`;
};

/** Equal texts for equal contacts, as far as the head of this file says. What is no SIP URI stands for itself. */
export const canonicalContact = (uriText: string): string => {
  const uri = parseSipUri(uriText);
  return uri.ok ? canonicalSipUri(uri.value) : uriText;
};

// "A user, ttl, or method uri-parameter appearing in only one URI never matches, even if it contains the default
// value. A URI that includes an maddr parameter will not match a URI that contains no maddr parameter." Transport is
// not in that list, but the examples hold `sip:bob@biloxi.com` and `…;transport=udp` apart.
const NEVER_IGNORED = ['user', 'ttl', 'method', 'maddr', 'transport'];

const paramsMatch = (left: readonly Param[], right: readonly Param[]): boolean =>
  left.every(({ name, value }) => {
    const other = findParam(right, name);
    return other === undefined ? !NEVER_IGNORED.includes(name) : other.value === value;
  });

/** RFC 3261 §19.1.4, pair by pair: the rule itself, which no canonical text can follow. */
export const sipUriEquals = (left: SipUri, right: SipUri): boolean => {
  const leftParams = left.params.map(canonicalParam);
  const rightParams = right.params.map(canonicalParam);
  return (
    left.scheme === right.scheme &&
    canonicalUser(left) === canonicalUser(right) &&
    canonicalHost(left.host) === canonicalHost(right.host) &&
    left.port === right.port &&
    paramsMatch(leftParams, rightParams) &&
    paramsMatch(rightParams, leftParams) &&
    // "URI header components are never ignored."
    canonicalHeaders(left.headers ?? '') === canonicalHeaders(right.headers ?? '')
  );
};
