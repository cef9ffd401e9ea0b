// Via values as they come: protocol, sent-by and parameters (RFC 3261 §20.42).
import { parseHostPort } from '../uri/parse.ts';
import { readParams } from './name-addr.ts';
import { DIGIT, PARAM_VALUE, Scanner, TOKEN, type Work, WS } from './scanner.ts';
import type { Via } from './types.ts';

export const VIAS_MAX = 64;

const COMMA = 0x2c;
const SLASH = 0x2f;
const COLON = 0x3a;
const BRACKET = 0x5b;

/** `SIP/2.0/UDP host[:port]`, blanks allowed wherever the grammar has them. Any protocol and version: 505 needs its Via. */
const readSentBy = (scanner: Scanner): Omit<Via, 'params' | 'text'> | undefined => {
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
  const start = scanner.pos;
  if (scanner.peek() === BRACKET) {
    scanner.take(PARAM_VALUE);
  } else {
    scanner.take(TOKEN);
    const hostEnd = scanner.pos;
    // COLON has blanks around it: "first.example.com: 4000".
    if (scanner.eatSpaced(COLON)) {
      const port = scanner.take(DIGIT);
      const place = parseHostPort(`${scanner.text.slice(start, hostEnd)}:${port}`);
      if (!place.ok) return scanner.fail('no host and port in a Via');
      return { transport, ...place.value, host: scanner.text.slice(start, hostEnd) };
    }
    scanner.pos = hostEnd;
  }
  const written = scanner.text.slice(start, scanner.pos);
  const place = parseHostPort(written);
  if (!place.ok) return scanner.fail('no host and port in a Via');
  return { transport, ...place.value, host: written.startsWith('[') ? place.value.host : written };
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
    vias.push({
      ...sentBy,
      params: params ?? [],
      text: value.slice(start, params === undefined ? soundEnd : scanner.pos),
    });
    if (params === undefined) return scanner.fault;
  } while (scanner.eatSpaced(COMMA));
  return scanner.done ? undefined : 'something behind a Via';
};
