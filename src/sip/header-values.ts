// The small header values: CSeq, numbers, option tags, q, quoted strings.
import { fail, ok, type Result } from '../runtime/result.ts';
import { DIGIT, isAll, Scanner, TOKEN, type Work, WS } from './scanner.ts';
import type { HeaderRow } from './types.ts';

const TOKENS_MAX = 64;
const UINT32_MAX = 2 ** 32 - 1;
const COMMA = 0x2c;

/** Digits alone, up to `max`; undefined for anything else, a sign and an overflow included. */
export const parseUint = (text: string, max = UINT32_MAX): number | undefined => {
  if (text === '' || !isAll(text, DIGIT)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
};

/**
 * `1*DIGIT LWS Method`. RFC 3261 §8.1.1.5 wants less than 2^31, and RFC 4475 §3.1.2.4 refuses what 32 bits can't hold;
 * between the two there are phones.
 */
export const parseCseq = (value: string, work?: Work): { seq: number; method: string } | undefined => {
  const scanner = new Scanner(value, work);
  const seq = parseUint(scanner.take(DIGIT));
  const blank = scanner.pos;
  scanner.skip(WS);
  const method = scanner.pos === blank ? '' : scanner.take(TOKEN);
  return seq === undefined || method === '' || !scanner.done ? undefined : { seq, method };
};

/** The tokens of all rows called `name` (Require, Supported, Allow …), in order and as written. */
export const parseTokens = (
  rows: readonly HeaderRow[],
  name: string,
  work?: Work,
): Result<readonly string[]> => {
  const tokens: string[] = [];
  for (const row of rows) {
    // "Supported:" may be empty (RFC 3261 §20.37).
    if (row.name !== name || row.value === '') continue;
    const scanner = new Scanner(row.value, work);
    do {
      const token = scanner.take(TOKEN);
      if (token === '') return fail('a list with an empty place');
      if (tokens.length === TOKENS_MAX) return fail('too many values');
      tokens.push(token);
    } while (scanner.eatSpaced(COMMA));
    if (!scanner.done) return fail('something that is no token');
  }
  return ok(tokens);
};

/** `qvalue`: 0 to 1 with at most three decimals (RFC 3261 §25.1). */
export const parseQ = (text: string): number | undefined =>
  /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : undefined;

/** The inside of a quoted string with its quoted pairs undone; any other text as it is. */
export const unquote = (text: string): string =>
  text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\([\s\S])/g, '$1')
    : text;
