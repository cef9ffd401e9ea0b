// One frame of a WebSocket (RFC 6455 §5.2): the header a client sends, its mask, and the frames we send.
export const OPCODE = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameHeader {
  readonly final: boolean;
  readonly opcode: number;
  /** Where the payload begins. */
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

/** RFC 6455 §7.4.1. */
export const CLOSE = { normal: 1000, goingAway: 1001, protocol: 1002, text: 1007, tooBig: 1009 } as const;
export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

const MASK_BYTES = 4;
const CONTROL_BYTES_MAX = 125;

/** The header that `bytes` begin with; undefined until it is whole, a close code if no client may send it. */
export const readFrameHeader = (
  bytes: Buffer,
  payloadBytesMax: number,
): FrameHeader | CloseCode | undefined => {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const final = (first & 0x80) !== 0;
  const opcode = first & 0x0f;
  // "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values." None is.
  if ((first & 0x70) !== 0) return CLOSE.protocol;
  // §5.1: "The server MUST close the connection upon receiving a frame that is not masked."
  if ((second & 0x80) === 0) return CLOSE.protocol;
  const control = opcode >= OPCODE.close;
  if (control ? opcode > OPCODE.pong : opcode > OPCODE.binary) return CLOSE.protocol;
  const short = second & 0x7f;
  // §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
  if (control && (short > CONTROL_BYTES_MAX || !final)) return CLOSE.protocol;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const headerBytes = 2 + lengthBytes + MASK_BYTES;
  if (bytes.length < headerBytes) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  // "the minimal number of bytes MUST be used to encode the length"
  if (lengthBytes === 2 ? length < 126 : lengthBytes === 8 && length < 65_536) return CLOSE.protocol;
  if (length > payloadBytesMax) return CLOSE.tooBig;
  return { final, opcode, headerBytes, payloadBytes: length };
};

/** The payload behind a whole header, without its mask; a copy. */
export const unmask = (frame: Buffer, { headerBytes, payloadBytes }: FrameHeader): Buffer => {
  // Buffers of their own memory begin where a word may, and the machine's order of bytes is the same for both.
  const payload = Buffer.allocUnsafeSlow(payloadBytes);
  frame.copy(payload, 0, headerBytes, headerBytes + payloadBytes);
  const mask = new Uint8Array(frame.subarray(headerBytes - MASK_BYTES, headerBytes));
  const [maskWord = 0] = new Uint32Array(mask.buffer);
  const words = new Uint32Array(payload.buffer, 0, payloadBytes >> 2);
  for (let index = 0; index < words.length; index += 1) words[index] = (words[index] ?? 0) ^ maskWord;
  for (let index = words.length << 2; index < payloadBytes; index += 1)
    payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  return payload;
};

/** A frame of ours: whole, and not masked ("A server MUST NOT mask any frames that it sends to the client", §5.1). */
export const writeFrame = (opcode: number, payload: Uint8Array): Uint8Array => {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + lengthBytes + length);
  frame[0] = 0x80 | opcode;
  frame[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 2 + lengthBytes);
  return frame;
};

export const writeClose = (code: CloseCode): Uint8Array =>
  writeFrame(OPCODE.close, new Uint8Array([code >> 8, code & 0xff]));

/** §7.4: whether a peer may close with this payload: empty, or a code that stands for something and a reason in UTF-8. */
export const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
  (code >= 3000 && code <= 4999);
