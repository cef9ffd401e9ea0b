// What the reader makes of bytes, in one word: taken, refused with a code, or dropped because nobody can be told.
import { readMessage } from '../../src/sip/reader.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/types.ts';

export type ReaderVerdict = 'accept' | 'discard' | 400 | 501 | 505 | 513;

export const verdictOf = (bytes: Uint8Array): ReaderVerdict => {
  const read = readMessage(bytes);
  if (read.ok) return 'accept';
  return read.error.request === undefined ? 'discard' : read.error.status;
};

export const messageOf = (bytes: Uint8Array): SipMessage => {
  const read = readMessage(bytes);
  if (!read.ok) throw new Error(`unreadable: ${read.error.reason}`);
  return read.value;
};

export const requestFrom = (bytes: Uint8Array): SipRequest => {
  const message = messageOf(bytes);
  if (message.kind !== 'request') throw new Error('a response');
  return message;
};

export const responseFrom = (bytes: Uint8Array): SipResponse => {
  const message = messageOf(bytes);
  if (message.kind !== 'response') throw new Error('a request');
  return message;
};

export const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');
