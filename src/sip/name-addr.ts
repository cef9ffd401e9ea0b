// From, To, Contact, Route, Path and their like: `"name" <uri>;params`, one or a list of them.
import { fail, ok, type Result } from '../runtime/result.ts';
import { schemeOf } from '../uri/parse.ts';
import type { Param } from '../uri/types.ts';
import {
  BARE_URI,
  DISPLAY,
  isAll,
  PARAM_VALUE,
  Scanner,
  TOKEN,
  trimmed,
  URI,
  type Work,
  WS,
} from './scanner.ts';
import type { HeaderRow, NameAddr } from './types.ts';

const PARAMS_MAX = 32;
const VALUES_MAX = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;

/** `*( SEMI generic-param )`; leaves the cursor behind the last one. Undefined with a fault noted if one is malformed. */
export const readParams = (scanner: Scanner): readonly Param[] | undefined => {
  const params: Param[] = [];
  for (;;) {
    const before = scanner.pos;
    if (!scanner.eatSpaced(SEMICOLON)) {
      // Blanks that lead to no parameter belong to whoever comes next.
      scanner.pos = before;
      return params;
    }
    if (params.length === PARAMS_MAX) return scanner.fail('too many parameters');
    const name = scanner.take(TOKEN).toLowerCase();
    if (name === '') return scanner.fail('a parameter without a name');
    // RFC 3261 §7.3.1: "any given parameter-name MUST NOT appear more than once."
    for (const param of params) if (param.name === name) return scanner.fail('a parameter stands twice');
    const nameEnd = scanner.pos;
    if (scanner.eatSpaced(EQUALS)) {
      const value = scanner.peek() === QUOTE ? scanner.quoted() : scanner.take(PARAM_VALUE);
      if (value === undefined || value === '')
        return scanner.fail('a parameter without the value it announces');
      params.push({ name, value });
    } else {
      scanner.pos = nameEnd;
      params.push({ name });
    }
  }
};

/** A scheme and something behind it: what is inside is for whoever uses it. */
const isUri = (text: string): boolean => {
  const scheme = schemeOf(text);
  return scheme !== undefined && text.length > scheme.length + 1;
};

/** The part before the parameters: a display name and `<uri>`, or a bare URI. */
const readAddress = (scanner: Scanner): { display?: string; uri: string } | undefined => {
  if (scanner.peek() === QUOTE) {
    const display = scanner.quoted();
    if (display === undefined) return undefined;
    scanner.skip(WS);
    if (scanner.peek() !== LESS) return scanner.fail('a display name without <URI>');
    const uri = readBracketed(scanner);
    return uri === undefined ? undefined : { display, uri };
  }
  if (scanner.peek() === LESS) {
    const uri = readBracketed(scanner);
    return uri === undefined ? undefined : { uri };
  }
  const start = scanner.pos;
  scanner.skip(DISPLAY | BARE_URI);
  const run = trimmed(scanner.text, start, scanner.pos);
  scanner.count(run.length);
  if (scanner.peek() === LESS) {
    if (!isAll(run, DISPLAY)) return scanner.fail('a display name that needs quotes');
    const uri = readBracketed(scanner);
    return uri === undefined ? undefined : { display: run, uri };
  }
  // RFC 3261 §20: "If the URI contains a comma, question mark or semicolon, the URI MUST be enclosed in angle
  // brackets (< and >)." The run ends at each of them; behind a question mark nothing fits.
  if (!isAll(run, BARE_URI) || !isUri(run)) return scanner.fail('no URI where one belongs');
  scanner.pos = start + run.length;
  return { uri: run };
};

const readBracketed = (scanner: Scanner): string | undefined => {
  scanner.pos += 1;
  const uri = scanner.take(URI);
  if (!scanner.eat(GREATER)) return scanner.fail('a URI without its closing bracket');
  if (!isUri(uri)) return scanner.fail('no URI between the brackets');
  return uri;
};

/** One value; the cursor stands at its start and is left behind it. */
const readNameAddr = (scanner: Scanner): NameAddr | undefined => {
  scanner.skip(WS);
  const start = scanner.pos;
  const address = readAddress(scanner);
  if (address === undefined) return undefined;
  const params = readParams(scanner);
  if (params === undefined) return undefined;
  const text = scanner.text.slice(start, scanner.pos);
  const { display, uri } = address;
  // Written out: a spread costs more than all the rest here.
  return display === undefined ? { uri, params, text } : { display, uri, params, text };
};

/** Exactly one value, as in From and To. */
export const parseNameAddr = (value: string, work?: Work): Result<NameAddr> => {
  const scanner = new Scanner(value, work);
  const one = readNameAddr(scanner);
  if (one === undefined) return fail(scanner.fault);
  scanner.skip(WS);
  return scanner.done ? ok(one) : fail('something behind the address');
};

/** Reads comma-separated values of one row into `values`; the fault in words, or undefined. */
const readList = (value: string, values: NameAddr[], work?: Work): string | undefined => {
  const scanner = new Scanner(value, work);
  do {
    if (values.length === VALUES_MAX) return 'too many values';
    const one = readNameAddr(scanner);
    if (one === undefined) return scanner.fault;
    values.push(one);
  } while (scanner.eatSpaced(COMMA));
  return scanner.done ? undefined : 'something behind the address';
};

/** All values of all rows called `name` (Route, Record-Route, Path …), in order. */
export const parseNameAddrs = (
  rows: readonly HeaderRow[],
  name: string,
  work?: Work,
): Result<readonly NameAddr[]> => {
  const values: NameAddr[] = [];
  for (const row of rows) {
    if (row.name !== name) continue;
    const fault = readList(row.value, values, work);
    if (fault !== undefined) return fail(fault);
  }
  return ok(values);
};

/** All Contact values of a message in order; `*` (RFC 3261 §10.2.2) stands as itself. */
export const parseContacts = (
  rows: readonly HeaderRow[],
  work?: Work,
): Result<readonly (NameAddr | '*')[]> => {
  const contacts: (NameAddr | '*')[] = [];
  for (const row of rows) {
    if (row.name !== 'contact') continue;
    if (row.value === '*') {
      contacts.push('*');
    } else {
      const values: NameAddr[] = [];
      const fault = readList(row.value, values, work);
      if (fault !== undefined) return fail(fault);
      contacts.push(...values);
    }
    if (contacts.length > VALUES_MAX) return fail('too many values');
  }
  return ok(contacts);
};
