// The head of a message cut into its rows: folds undone, names in their long form, every line end checked.
import { longName } from './header-names.ts';
import { type Fault, faultOf } from './read-error.ts';
import { isAll, TOKEN, trimmed, type Work } from './scanner.ts';
import type { HeaderRow } from './types.ts';

export const ROWS_MAX = 256;
export const ROW_CHARS_MAX = 16_384;

const HTAB = 9;
const LF = 10;
const CR = 13;
const SP = 32;
const BACKSLASH = 92;

export interface Head {
  readonly startLine: string;
  readonly rows: readonly HeaderRow[];
  /** The first thing that was wrong; the rows that were right are there all the same. */
  readonly fault?: Fault;
}

const isBlank = (code: number): boolean => code === SP || code === HTAB;

const rowOf = (line: string): HeaderRow | Fault => {
  const colon = line.indexOf(':');
  if (colon < 1) return faultOf('ERR_SIP_LINE', 'a header line without a name and a colon');
  // RFC 3261 §7.3.1: "field-name: field-value", and HCOLON allows blanks before the colon.
  let nameEnd = colon;
  while (nameEnd > 0 && isBlank(line.charCodeAt(nameEnd - 1))) nameEnd -= 1;
  const as = line.slice(0, nameEnd);
  if (as === '' || !isAll(as, TOKEN)) return faultOf('ERR_SIP_LINE', 'a header name that is no token');
  return { name: longName(as), as, value: trimmed(line, colon + 1, line.length) };
};

/**
 * Reads the head of a message: everything before the empty line. Only CR LF ends a line (RFC 3261 §7): a bare CR or LF
 * would end a row for one reader and not for the next, which is how a header gets past a check. NUL stands nowhere but
 * behind the backslash of a quoted pair (§25.1).
 */
export const readRows = (head: string, work?: Work): Head => {
  const rows: HeaderRow[] = [];
  let startLine: string | undefined;
  let fault: Fault | undefined;
  const blame = (next: Fault): void => {
    fault ??= next;
  };
  const end = head.length;
  let at = 0;
  while (at < end && (startLine === undefined || rows.length < ROWS_MAX)) {
    const start = at;
    let sane = true;
    let segment = at;
    let line = '';
    let previous = 0;
    for (;;) {
      const code = at < end ? head.charCodeAt(at) : CR;
      if (code > CR) {
        previous = code;
        at += 1;
        continue;
      }
      if (code === CR && (at >= end || head.charCodeAt(at + 1) === LF)) {
        // RFC 3261 §7.3.1: a line that begins with a blank goes on with the one before, and "All linear white space,
        // including folding, has the same semantics as SP."
        const folded = at + 2 < end && isBlank(head.charCodeAt(at + 2));
        if (segment === start && !folded) line = head.slice(start, at);
        else {
          const piece = trimmed(head, segment, at);
          line = segment === start ? piece : piece === '' ? line : `${line} ${piece}`;
        }
        at += 2;
        if (!folded) break;
        if (startLine === undefined) {
          blame(faultOf('ERR_SIP_START_LINE', 'a folded start line'));
          sane = false;
        }
        segment = at;
        continue;
      }
      if (code === CR || code === LF) {
        blame(faultOf('ERR_SIP_LINE', 'a CR or LF that ends no line'));
        sane = false;
      } else if (code === 0 && previous !== BACKSLASH) {
        blame(faultOf('ERR_SIP_LINE', 'a NUL character'));
        sane = false;
      }
      previous = code;
      at += 1;
    }
    if (startLine === undefined) {
      startLine = sane ? line : '';
      continue;
    }
    if (!sane) continue;
    if (line.length > ROW_CHARS_MAX) {
      blame(faultOf('ERR_SIP_LIMIT', 'a header line is too long'));
      continue;
    }
    const row = rowOf(line);
    if ('code' in row) blame(row);
    else rows.push(row);
  }
  if (at < end) blame(faultOf('ERR_SIP_LIMIT', 'too many header lines'));
  if (work !== undefined) work.steps += at;
  return { startLine: startLine ?? '', rows, ...(fault === undefined ? {} : { fault }) };
};

/** The first value of a header (lower-case long name), or undefined. */
export const headerValue = (rows: readonly HeaderRow[], name: string): string | undefined => {
  for (const row of rows) if (row.name === name) return row.value;
  return undefined;
};
