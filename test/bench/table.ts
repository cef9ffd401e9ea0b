// A table as Markdown, padded so that it reads well in a terminal too; columns of numbers to the right.

const isNumeric = (cell: string): boolean => /^[\d.,\s/+-]+$/.test(cell);

export const formatTable = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const right = head.map((_, column) => rows.every((row) => isNumeric(row[column] ?? '')));
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .map((cell, column) =>
        right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join(' | ')} |\n`;
  const rule = widths.map((width, column) => `${'-'.repeat(width - 1)}${right[column] ? ':' : '-'}`);
  return [head, rule, ...rows].map(line).join('');
};
