// Via values as they come: protocol, sent-by and parameters (RFC 3261 §20.42).
import { parseHostPort } from '../uri/parse.ts';
import { readParams } from './name-addr.ts';
import { DIGIT, Scanner, TOKEN, type Work, WS } from './scanner.ts';
import type { Via } from './types.ts';

export const VIAS_MAX = 64;

const COMMA = 0x2c;
const SLASH = 0x2f;
const COLON = 0x3a;
const BRACKET = 0x5b;

interface SentBy {
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
}

/** `SIP/2.0/UDP host[:port]`, blanks allowed wherever the grammar has them. Any protocol and version: 505 needs its Via. */
const readSentBy = (scanner: Scanner): SentBy | undefined => {
  scanner.skip(WS);
  const name = scanner.take(TOKEN);
  const first = scanner.eatSpaced(SLASH);
  const version = scanner.take(TOKEN);
  const second = scanner.eatSpaced(SLASH);
  const transport = scanner.take(TOKEN).toUpperCase();
  const blank = scanner.pos;
  scanner.skip(WS);
  if (name === '' || !first || version === '' || !second || transport === '' || scanner.pos === blank)
    return scanner.fail('no protocol and transport in a Via');
  const ipv6 = scanner.peek() === BRACKET;
  const written = ipv6 ? scanner.bracketed() : scanner.take(TOKEN);
  if (written === undefined) return undefined;
  const hostEnd = scanner.pos;
  // COLON has blanks around it: "first.example.com: 4000".
  const hasPort = scanner.eatSpaced(COLON);
  const port = hasPort ? scanner.take(DIGIT) : '';
  if (!hasPort) scanner.pos = hostEnd;
  const place = parseHostPort(hasPort ? `${written}:${port}` : written);
  if (!place.ok) return scanner.fail('no host and port in a Via');
  return { transport, host: ipv6 ? place.value.host : written, port: place.value.port };
};

/**
 * Reads the values of one Via row into `vias`; the fault in words, or undefined. Of a value that is broken behind its
 * sent-by the sound part is kept: it says where the 400 goes.
 */
export const readVias = (value: string, vias: Via[], work?: Work): string | undefined => {
  const scanner = new Scanner(value, work);
  do {
    if (vias.length === VIAS_MAX) return 'too many Via values';
    scanner.skip(WS);
    const start = scanner.pos;
    const sentBy = readSentBy(scanner);
    if (sentBy === undefined) return scanner.fault;
    const soundEnd = scanner.pos;
    const params = readParams(scanner);
    const text = value.slice(start, params === undefined ? soundEnd : scanner.pos);
    const { transport, host, port } = sentBy;
    // Written out: a spread costs more than all the rest here.
    if (port === undefined) vias.push({ transport, host, params: params ?? [], text });
    else vias.push({ transport, host, port, params: params ?? [], text });
    if (params === undefined) return scanner.fault;
  } while (scanner.eatSpaced(COMMA));
  return scanner.done ? undefined : 'something behind a Via';
};
