// Authorization, Proxy-Authorization and the challenges they answer: a scheme and its parameters (RFC 3261 §20.7, RFC 7616).
import { fail, ok, type Result } from '../runtime/result.ts';
import { unquote } from './header-values.ts';
import { Scanner, TOKEN, type Work, WS } from './scanner.ts';

const PARAMS_MAX = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;

export interface Credentials {
  /** In lower case. */
  readonly scheme: string;
  /** By lower-case name, quotes and quoted pairs undone; empty for schemes other than Digest. */
  readonly params: ReadonlyMap<string, string>;
}

/** One value of Authorization, Proxy-Authorization, WWW-Authenticate or Proxy-Authenticate. */
export const parseCredentials = (value: string, work?: Work): Result<Credentials> => {
  const scanner = new Scanner(value, work);
  const scheme = scanner.take(TOKEN).toLowerCase();
  if (scheme === '') return fail('no authentication scheme');
  // BOUNDED: PARAMS_MAX.
  const params = new Map<string, string>();
  // What other schemes carry (a token68, an unknown grammar) is nobody's business here (RFC 4475 §3.3.7).
  if (scheme !== 'digest') return ok({ scheme, params });
  scanner.skip(WS);
  do {
    const name = scanner.take(TOKEN).toLowerCase();
    if (name === '' || !scanner.eatSpaced(EQUALS))
      return fail('an authentication parameter without name and value');
    const text = scanner.peek() === QUOTE ? scanner.quoted() : takeUnquoted(scanner);
    if (text === undefined || text === '') return fail('an authentication parameter without name and value');
    if (params.has(name)) return fail('an authentication parameter stands twice');
    if (params.size === PARAMS_MAX) return fail('too many authentication parameters');
    params.set(name, unquote(text));
  } while (scanner.eatSpaced(COMMA));
  return scanner.done ? ok({ scheme, params }) : fail('an authentication parameter without its comma');
};

/** A token by the grammar; phones leave the quotes off values that need them (`opaque=a/b==`), which end at a comma. */
const takeUnquoted = (scanner: Scanner): string => {
  const start = scanner.pos;
  const { text, end } = scanner;
  while (scanner.pos < end && scanner.peek() !== COMMA && isValueChar(scanner)) scanner.pos += 1;
  scanner.count(scanner.pos - start + 1);
  return text.slice(start, scanner.pos);
};

const isValueChar = (scanner: Scanner): boolean => {
  const code = scanner.peek();
  return code > 0x20 && code < 0x7f && code !== QUOTE;
};
