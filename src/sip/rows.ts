// The head of a message cut into its rows: folds undone, names in their long form, every line end checked.
import { longName } from './header-names.ts';
import { isBlank, Lines } from './lines.ts';
import { type Fault, faultOf } from './read-error.ts';
import { trimmed, type Work } from './scanner.ts';
import type { HeaderRow } from './types.ts';

export const ROWS_MAX = 256;
export const ROW_CHARS_MAX = 16_384;

export interface Head {
  readonly startLine: string;
  readonly rows: readonly HeaderRow[];
  /** The first thing that was wrong; the rows that were right are there all the same. */
  readonly fault: Fault | undefined;
}

const rowOf = (line: string): HeaderRow | Fault => {
  const colon = line.indexOf(':');
  if (colon < 1) return faultOf('ERR_SIP_LINE', 'a header line without a name and a colon');
  // RFC 3261 §7.3.1: "field-name: field-value", and HCOLON allows blanks before the colon.
  let nameEnd = colon;
  while (nameEnd > 0 && isBlank(line.charCodeAt(nameEnd - 1))) nameEnd -= 1;
  const as = line.slice(0, nameEnd);
  const name = longName(as);
  if (name === undefined) return faultOf('ERR_SIP_LINE', 'a header name that is no token');
  return { name, as, value: trimmed(line, colon + 1, line.length) };
};

/** Reads the head of a message: everything before the empty line. */
export const readRows = (head: string, work?: Work): Head => {
  const lines = new Lines(head);
  const rows: HeaderRow[] = [];
  const first = lines.next() ?? '';
  let fault = lines.fault;
  // A start line that isn't sane is none: what a stranger's line end hides in it is not looked for.
  const startLine = fault === undefined ? first : '';
  if (lines.folded) fault ??= faultOf('ERR_SIP_START_LINE', 'a folded start line');
  for (;;) {
    if (rows.length === ROWS_MAX && !lines.done) {
      fault ??= faultOf('ERR_SIP_LIMIT', 'too many header lines');
      break;
    }
    const line = lines.next();
    if (line === undefined) break;
    fault ??= lines.fault;
    if (lines.fault !== undefined) continue;
    if (line.length > ROW_CHARS_MAX) {
      fault ??= faultOf('ERR_SIP_LIMIT', 'a header line is too long');
      continue;
    }
    const row = rowOf(line);
    if ('code' in row) fault ??= row;
    else rows.push(row);
  }
  if (work !== undefined) work.steps += lines.steps;
  return { startLine, rows, fault };
};

/** The first value of a header (lower-case long name), or undefined. */
export const headerValue = (rows: readonly HeaderRow[], name: string): string | undefined => {
  for (const row of rows) if (row.name === name) return row.value;
  return undefined;
};
