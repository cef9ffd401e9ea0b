// Bytes as a WebSocket client sends them: the handshake of RFC 7118 §4.1 and masked frames, right or wrong.
const HANDSHAKE = [
  'GET /any/path?at=all HTTP/1.1',
  'Host: sip-ws.example.com',
  'Upgrade: websocket',
  'Connection: keep-alive, Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Origin: http://www.example.com',
  'Sec-WebSocket-Protocol: sip',
  'Sec-WebSocket-Version: 13',
] as const;

/** One row of the example by its place, for those that repeat it. */
export const handshakeRow = (index: number): string => HANDSHAKE[index] ?? '';

/** The example of §4.1 with one row replaced, added (behind the last) or, undefined, left out. */
export const handshake = (change?: { readonly at: number; readonly row: string | undefined }): string => {
  const rows: (string | undefined)[] = [...HANDSHAKE];
  if (change !== undefined) rows[Math.min(change.at, rows.length)] = change.row;
  return `${rows.filter((row) => row !== undefined).join('\r\n')}\r\n\r\n`;
};

const MASK = Buffer.from([1, 2, 3, 4]);

export interface FrameWish {
  readonly final?: boolean;
  readonly masked?: boolean;
  /** Bits to set beside the opcode. */
  readonly reserved?: number;
}

/** A frame as a client sends it, of less than 64 kB. */
export const clientFrame = (
  opcode: number,
  payload: string | Uint8Array,
  { final = true, masked = true, reserved = 0 }: FrameWish = {},
): Buffer => {
  const body = Buffer.from(payload);
  const size = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 0xff];
  const [first = 0, ...rest] = size;
  const head = Buffer.from([(final ? 0x80 : 0) | reserved | opcode, first | (masked ? 0x80 : 0), ...rest]);
  if (!masked) return Buffer.concat([head, body]);
  return Buffer.concat([head, MASK, body.map((byte, index) => byte ^ (MASK[index & 3] ?? 0))]);
};
