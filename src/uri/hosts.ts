// Hosts: what kind of address a text is, and the one form in which equal hosts are equal strings (RFC 5952 for IPv6).
import { domainToASCII } from 'node:url';
import { fail, ok, type Result } from '../runtime/result.ts';

const HOST_CHARS_MAX = 253;
const LABEL_CHARS_MAX = 63;

const DOT = 0x2e;
const IPV6_CHARS = /^[0-9a-f:.]+$/;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
/** Underscore is no host name character (RFC 1123), yet container networks name their hosts with it. */
const isNameChar = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  isDigit(code) ||
  code === 0x2d ||
  code === 0x5f ||
  (code >= 0x41 && code <= 0x5a);

/** Four decimal numbers up to 255 without leading zeros, which some would read as octal. */
const isIpv4 = (host: string): boolean => {
  if (host.length < 7 || host.length > 15) return false;
  let numbers = 0;
  let at = 0;
  while (at < host.length) {
    const start = at;
    let value = 0;
    while (at < host.length && isDigit(host.charCodeAt(at))) {
      value = value * 10 + host.charCodeAt(at) - 0x30;
      at += 1;
    }
    const digits = at - start;
    if (digits === 0 || value > 255 || (digits > 1 && host.charCodeAt(start) === 0x30)) return false;
    numbers += 1;
    if (at === host.length) return numbers === 4;
    if (host.charCodeAt(at) !== DOT) return false;
    at += 1;
  }
  return false;
};

/** Labels of name characters with single dots between them; the last one may not be all digits. */
const isName = (host: string): boolean => {
  const end = host.length > 1 && host.charCodeAt(host.length - 1) === DOT ? host.length - 1 : host.length;
  if (end === 0 || end > HOST_CHARS_MAX) return false;
  let label = 0;
  let numeric = true;
  for (let at = 0; at < end; at += 1) {
    const code = host.charCodeAt(at);
    if (code === DOT) {
      if (label === 0) return false;
      label = 0;
      numeric = true;
      continue;
    }
    if (!isNameChar(code)) return false;
    label += 1;
    if (label > LABEL_CHARS_MAX) return false;
    numeric &&= isDigit(code);
  }
  // No top-level domain is a number: a last label of digits alone is an address or nothing.
  return label > 0 && !numeric;
};

const groupsOf = (text: string): readonly number[] | undefined => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':', 9);
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      if (!isIpv4(part)) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
      groups.push(a * 256 + b, c * 256 + d);
    } else {
      if (!/^[0-9a-f]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
};

/** The eight groups of an IPv6 literal without brackets and zone; undefined if it is none. */
const ipv6Groups = (host: string): readonly number[] | undefined => {
  if (host.length > 45 || host.length < 2 || !host.includes(':') || !IPV6_CHARS.test(host)) return undefined;
  const gap = host.indexOf('::');
  if (gap < 0) {
    const groups = groupsOf(host);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = host.slice(0, gap);
  const head4 = head.includes('.');
  const before = head4 ? undefined : groupsOf(head);
  const after = groupsOf(host.slice(gap + 2));
  if (before === undefined || after === undefined) return undefined;
  const zeros = 8 - before.length - after.length;
  if (zeros < 1) return undefined;
  return [...before, ...new Array<number>(zeros).fill(0), ...after];
};

const formatIpv6 = (groups: readonly number[]): string => {
  // RFC 5952 §5: the well-known prefix ::ffff:0:0/96 keeps its dotted tail.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6);
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  // RFC 5952 §4.2.2 and 4.2.3: the longest run of zeros, the first of equals, and never a single group.
  let start = -1;
  let length = 1;
  for (let at = 0; at < 8; at += 1) {
    let run = 0;
    while (at + run < 8 && groups[at + run] === 0) run += 1;
    if (run > length) {
      start = at;
      length = run;
    }
    at += run;
  }
  const hex = groups.map((group) => group.toString(16));
  return start < 0
    ? hex.join(':')
    : `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
};

/** 4 or 6 for an IP literal (IPv6 without brackets), undefined for anything else. */
export const familyOf = (host: string): 4 | 6 | undefined => {
  if (host.includes(':')) return ipv6Groups(host.toLowerCase()) === undefined ? undefined : 6;
  return isIpv4(host) ? 4 : undefined;
};

export const isIpLiteral = (host: string): boolean => familyOf(host) !== undefined;

/** True for 127.0.0.0/8 (also mapped into IPv6), ::1 and the name `localhost` (RFC 6761 §6.3). */
export const isLoopback = (host: string): boolean => {
  const canonical = canonicalHost(host);
  if (canonical === 'localhost' || canonical === '::1') return true;
  const dotted = canonical.startsWith('::ffff:') ? canonical.slice('::ffff:'.length) : canonical;
  return dotted.startsWith('127.') && isIpv4(dotted);
};

/** True for the addresses that mean "all of this machine's": they name no place to send to. */
export const isWildcard = (host: string): boolean => {
  const canonical = canonicalHost(host);
  return canonical === '0.0.0.0' || canonical === '::';
};

/** Lower case, no trailing dot, IPv6 as RFC 5952 writes it. Total: what is no host comes back in lower case. */
export const canonicalHost = (host: string): string => {
  const lower = host.toLowerCase();
  if (lower.includes(':')) {
    const groups = ipv6Groups(lower);
    return groups === undefined ? lower : formatIpv6(groups);
  }
  return lower.length > 1 && lower.endsWith('.') ? lower.slice(0, -1) : lower;
};

/** An ASCII host as a URI has it: IPv6 without brackets, an IPv4 literal, or a name. */
export const isHost = (host: string): boolean =>
  host.includes(':') ? ipv6Groups(host.toLowerCase()) !== undefined : isIpv4(host) || isName(host);

/** The domain of a name: lower-case A-label or canonical IP literal; brackets and a trailing dot fall away. */
export const canonicalDomain = (text: string): Result<string> => {
  if (text.length > 4 * HOST_CHARS_MAX) return fail('the domain is too long');
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (bare !== text && !bare.includes(':')) return fail('brackets belong around IPv6 addresses only');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is "anything but ASCII".
  const ascii = /[^\x00-\x7f]/.test(bare) ? domainToASCII(bare) : bare;
  if (!isHost(ascii)) return fail('the domain is no host name and no IP address');
  return ok(canonicalHost(ascii));
};
