// What a command shows: tables for a terminal, plain columns for a pipe, one JSON document for --json.

const BOLD = '\u001b[1m';
const RESET = '\u001b[0m';

/** Control characters of the network must not reach a terminal, nor make lines and columns there: those are our own. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '\ufffd');

/** Of several lines, each printable. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

const write = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const printLine = (text: string): void => write(printable(text));

/** Lines that are our own, all of them. */
export const printText = (text: string): void => write(printableLines(text));

/** JSON escapes the control characters below space itself; a terminal obeys those above 0x7e, too. */
export const jsonText = (value: unknown, indent: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export const printJson = (value: unknown): void => write(jsonText(value, process.stdout.isTTY ? 2 : 0));

/** Rows in columns: aligned with a bold head on a terminal, separated by tabs in a pipe. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const clean = rows.map((row) => row.map(printable));
  if (!process.stdout.isTTY) {
    for (const row of [head, ...clean]) write(row.join('\t'));
    return;
  }
  const widths = head.map((title, column) =>
    Math.max(title.length, ...clean.map((row) => row[column]?.length ?? 0)),
  );
  const pad = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  write(`${BOLD}${pad(head)}${RESET}`);
  for (const row of clean) write(pad(row));
}
