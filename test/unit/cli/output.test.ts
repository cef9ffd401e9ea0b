// What a command shows of what came from the network: nothing that a terminal obeys.
import { afterEach, expect, test, vi } from 'vitest';
import { jsonText, printableLines, printLine, printTable } from '../../../src/cli/output.ts';

const HOSTILE = 'v1\u001b]0;owned\u0007\u009b2J\nline';
const controlsIn = (text: string): readonly string[] =>
  [...text].filter((char) => char < ' ' || (char > '~' && char < '\u00a0'));

afterEach(() => vi.restoreAllMocks());

test('a line, and a cell of a table, stays one line without control characters', () => {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  printLine(`versions: ${HOSTILE}`);
  printTable(['version'], [[HOSTILE]]);
  expect(written).toHaveLength(3);
  for (const line of written) {
    expect(line.endsWith('\n')).toBe(true);
    expect(controlsIn(line.slice(0, -1))).toEqual([]);
  }
});

test('a message of several lines keeps its lines alone', () => {
  expect(printableLines(HOSTILE)).toBe('v1\ufffd]0;owned\ufffd\ufffd2J\nline');
});

test('JSON escapes what JSON.stringify leaves and a terminal obeys', () => {
  const text = jsonText({ version: HOSTILE }, 0);
  expect(controlsIn(text)).toEqual([]);
  expect(JSON.parse(text)).toEqual({ version: HOSTILE });
});
