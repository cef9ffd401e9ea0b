// Addresses of peers: as bytes on the wire, as the text the socket reports, and as keys of tables.
import type { Endpoint } from '../runtime/datagram.ts';

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

const parseV4 = (text: string): number[] | undefined => {
  const match = V4.exec(text);
  if (match === null) return undefined;
  const octets = match.slice(1).map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
};

/** `withV4`: the last 32 bits of an address may be written as a dotted quad (RFC 4291 §2.2). */
const parseGroups = (text: string, withV4: boolean): number[] | undefined => {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const v4 = withV4 && index === parts.length - 1 ? parseV4(part) : undefined;
    if (v4 !== undefined) out.push(...v4);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16);
      out.push(group >> 8, group & 0xff);
    } else return undefined;
  }
  return out;
};

const parseV6 = (text: string): number[] | undefined => {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
};

/** 4 or 16 bytes of an IP literal; undefined for anything else (names, zones, brackets). */
export const hostToBytes = (host: string): Uint8Array | undefined => {
  // The longest IPv6 literal has 45 characters: longer text is not looked at.
  if (host.length > 45) return undefined;
  const octets = host.includes(':') ? parseV6(host) : parseV4(host);
  return octets === undefined ? undefined : Uint8Array.from(octets);
};

/** The text form that sockets report: dotted quad, or RFC 5952 (longest run of zero groups as `::`). */
const hostFromBytes = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.');
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at += 1) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.at === 0 && best.length === 5 && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  return best.at < 0
    ? hex(groups)
    : `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
};

/** Address then port, big-endian: 6 or 18 bytes; undefined if the host is no IP literal or the port is 0. */
export const endpointToBytes = (endpoint: Endpoint): Uint8Array | undefined => {
  const host = hostToBytes(endpoint.host);
  if (host === undefined || !(endpoint.port >= 1 && endpoint.port <= 65535)) return undefined;
  const out = new Uint8Array(host.length + 2);
  out.set(host);
  out[host.length] = endpoint.port >> 8;
  out[host.length + 1] = endpoint.port & 0xff;
  return out;
};

/** Undefined for what can't be one peer's address: wrong length, port 0, unspecified, multicast, broadcast. */
export const endpointFromBytes = (bytes: Uint8Array): Endpoint | undefined => {
  if (bytes.length !== 6 && bytes.length !== 18) return undefined;
  const host = bytes.subarray(0, -2);
  const port = ((bytes[host.length] ?? 0) << 8) | (bytes[host.length + 1] ?? 0);
  const first = host[0] ?? 0;
  const many = host.length === 4 ? first >= 224 || first === 0 : first === 0xff;
  if (port === 0 || many || host.every((octet) => octet === 0)) return undefined;
  return { host: hostFromBytes(host), port };
};

/** The same endpoint in the form sockets report it; undefined if it is no IP literal with a port. */
export const canonicalEndpoint = (endpoint: Endpoint): Endpoint | undefined => {
  const bytes = endpointToBytes(endpoint);
  return bytes === undefined
    ? undefined
    : { host: hostFromBytes(bytes.subarray(0, -2)), port: endpoint.port };
};

export const sameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.port === b.port && a.host === b.host;

export const endpointKey = (endpoint: Endpoint): string => `${endpoint.host} ${endpoint.port}`;

/** Who is one source for limits: an IPv4 address, or an IPv6 /64 (whoever has one has all of it). */
export const sourceKey = (host: string): string => {
  if (!host.includes(':')) return host;
  const zone = host.indexOf('%');
  const bytes = hostToBytes(zone < 0 ? host : host.slice(0, zone));
  if (bytes === undefined) return host;
  const text = hostFromBytes(bytes);
  return text.startsWith('::ffff:') ? text : Buffer.from(bytes.subarray(0, 8)).toString('hex');
};
