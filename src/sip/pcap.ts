// Messages as a capture file: classic pcap with IP and UDP headers made for the purpose, as Wireshark and sngrep read it.
import { isIP } from 'node:net';
import type { Endpoint } from '../runtime/datagram.ts';

/** https://www.tcpdump.org/linktypes.html: the packet begins with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;
const SNAPLEN = 65_535;
const MAGIC = 0xa1b2c3d4;
const RECORD_BYTES = 16;
const UDP_BYTES = 8;
const UDP = 17;
const TTL = 64;

/** What a file begins with. */
export const pcapHeader = (): Uint8Array => {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt16BE(2, 4);
  bytes.writeUInt16BE(4, 6);
  bytes.writeUInt32BE(SNAPLEN, 16);
  bytes.writeUInt32BE(LINKTYPE_RAW, 20);
  return bytes;
};

/** The 4 or 16 bytes of an IP literal; a zone is left out. */
const addressBytes = (host: string): Buffer => {
  const [address = ''] = host.split('%', 1);
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, before = '', a, b, c, d] = dotted ?? [];
  const pair = (high: string | undefined, low: string | undefined): string =>
    ((Number(high) << 8) | Number(low)).toString(16);
  const plain = dotted === null ? address : `${before}${pair(a, b)}:${pair(c, d)}`;
  const [head = '', tail] = plain.split('::', 2);
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':');
  const [front, back] = [groups(head), groups(tail)];
  const zeros = new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  const bytes = Buffer.alloc(16);
  [...front, ...zeros, ...back].slice(0, 8).forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16) & 0xffff, 2 * index);
  });
  return bytes;
};

/** RFC 1071, over several pieces of even length (the last may be odd). */
const checksum = (...pieces: readonly Uint8Array[]): number => {
  let sum = 0;
  for (const piece of pieces)
    for (let at = 0; at < piece.length; at += 2) sum += ((piece[at] ?? 0) << 8) | (piece[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
};

export interface CapturedMessage {
  readonly wallMs: number;
  /** IP literals, both of one family. */
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly payload: Uint8Array;
}

/**
 * One record. Whatever it came over stands there as a UDP datagram: what was TLS is then readable, and nobody needs the
 * handshake of a connection that was open before. A message that no datagram holds is cut at its end.
 */
export const pcapRecord = ({ wallMs, from, to, payload }: CapturedMessage): Uint8Array => {
  const [source, target] = [addressBytes(from.host), addressBytes(to.host)];
  const ipBytes = source.length === 4 ? 20 : 40;
  const shown = payload.subarray(0, SNAPLEN - ipBytes - UDP_BYTES);
  const udpBytes = UDP_BYTES + shown.length;
  const bytes = Buffer.alloc(RECORD_BYTES + ipBytes + udpBytes);
  bytes.writeUInt32BE(Math.floor(wallMs / 1000) % 2 ** 32, 0);
  bytes.writeUInt32BE(Math.floor((wallMs % 1000) * 1000), 4);
  bytes.writeUInt32BE(ipBytes + udpBytes, 8);
  bytes.writeUInt32BE(ipBytes + udpBytes, 12);
  const ip = bytes.subarray(RECORD_BYTES, RECORD_BYTES + ipBytes);
  if (source.length === 4) {
    ip.writeUInt8(0x45, 0);
    ip.writeUInt16BE(ipBytes + udpBytes, 2);
    ip.writeUInt16BE(0x4000, 6); // don't fragment: there are no fragments
    ip.writeUInt8(TTL, 8);
    ip.writeUInt8(UDP, 9);
    ip.set(source, 12);
    ip.set(target, 16);
    ip.writeUInt16BE(checksum(ip), 10);
  } else {
    ip.writeUInt32BE(0x60000000, 0);
    ip.writeUInt16BE(udpBytes, 4);
    ip.writeUInt8(UDP, 6);
    ip.writeUInt8(TTL, 7);
    ip.set(source, 8);
    ip.set(target, 24);
  }
  const udp = bytes.subarray(RECORD_BYTES + ipBytes);
  udp.writeUInt16BE(from.port, 0);
  udp.writeUInt16BE(to.port, 2);
  udp.writeUInt16BE(udpBytes, 4);
  udp.set(shown, UDP_BYTES);
  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
  udp.writeUInt16BE(
    checksum(source, target, Buffer.from([0, UDP, udpBytes >> 8, udpBytes & 0xff]), udp) || 0xffff,
    6,
  );
  return bytes;
};
