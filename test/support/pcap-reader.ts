// Reads what a SIP trace wrote, by the format's own description and with nothing of the writer: classic pcap, raw IP, UDP.

export interface CapturedDatagram {
  readonly wallMs: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

const sum16 = (bytes: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
};

const dotted = (bytes: Buffer): string => [...bytes].join('.');
const colons = (bytes: Buffer): string =>
  Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':');

const datagram = (packet: Buffer): Omit<CapturedDatagram, 'wallMs'> => {
  const version = (packet[0] ?? 0) >> 4;
  const ipBytes = version === 4 ? 20 : 40;
  const [source, target] =
    version === 4
      ? [packet.subarray(12, 16), packet.subarray(16, 20)]
      : [packet.subarray(8, 24), packet.subarray(24, 40)];
  if (version === 4) {
    if (sum16(packet.subarray(0, 20)) !== 0xffff) throw new Error('the IP checksum is wrong');
    if (packet.readUInt16BE(2) !== packet.length) throw new Error('the IP length is wrong');
  } else if (packet.readUInt16BE(4) !== packet.length - 40) throw new Error('the IPv6 length is wrong');
  if (packet[version === 4 ? 9 : 6] !== 17) throw new Error('this is no UDP');
  const udp = packet.subarray(ipBytes);
  if (udp.readUInt16BE(4) !== udp.length) throw new Error('the UDP length is wrong');
  const pseudo = Buffer.concat([source, target, Buffer.from([0, 17]), udp.subarray(4, 6)]);
  if (sum16(Buffer.concat([pseudo, udp])) !== 0xffff) throw new Error('the UDP checksum is wrong');
  const name = version === 4 ? dotted : colons;
  return {
    from: `${name(source)} ${udp.readUInt16BE(0)}`,
    to: `${name(target)} ${udp.readUInt16BE(2)}`,
    text: udp.subarray(8).toString('latin1'),
  };
};

/** Every record of a capture; throws where the file isn't what it should be. */
export const readPcap = (bytes: Uint8Array): CapturedDatagram[] => {
  const file = Buffer.from(bytes);
  if (file.toString('hex', 0, 24) !== 'a1b2c3d4000200040000000000000000' + '0000ffff00000065')
    throw new Error('this is no capture of raw IP packets');
  const found: CapturedDatagram[] = [];
  for (let at = 24; at < file.length; ) {
    const [seconds, micros] = [file.readUInt32BE(at), file.readUInt32BE(at + 4)];
    const [length, original] = [file.readUInt32BE(at + 8), file.readUInt32BE(at + 12)];
    if (length !== original || at + 16 + length > file.length) throw new Error('a record is cut');
    found.push({
      wallMs: seconds * 1000 + micros / 1000,
      ...datagram(file.subarray(at + 16, at + 16 + length)),
    });
    at += 16 + length;
  }
  return found;
};
