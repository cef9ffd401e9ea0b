// What a command shows: tables for a terminal, plain columns for a pipe, one JSON document for --json.

const BOLD = '\u001b[1m';
const RESET = '\u001b[0m';

/** Control characters of the network must not reach a terminal. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '\ufffd');

export const printLine = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0)}\n`);
};

/** Rows in columns: aligned with a bold head on a terminal, separated by tabs in a pipe. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const clean = rows.map((row) => row.map(printable));
  if (!process.stdout.isTTY) {
    for (const row of [head, ...clean]) printLine(row.join('\t'));
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
  printLine(`${BOLD}${pad(head)}${RESET}`);
  for (const row of clean) printLine(pad(row));
}
