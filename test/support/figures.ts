// The published figures: which form is run, how values are summed up, and where they are printed.

const { FIGURES } = process.env;

/** `FIGURES=full npx vitest run test/spec/dht/chord-…`: as large as the paper's, and printed; `FIGURES=short`: only printed. */
export const FULL = FIGURES === 'full';

export const figure = (...columns: readonly (string | number)[]): void => {
  if (FIGURES === undefined) return;
  const text = columns.map((one) =>
    typeof one === 'number' && !Number.isInteger(one) ? one.toFixed(3) : `${one}`,
  );
  process.stdout.write(`  ${text.join('  ')}\n`);
};

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ??
  Number.NaN;
