import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sourceFiles } from '../support/source-files.ts';

const source = sourceFiles('src').map((file) => ({ file, text: readFileSync(file, 'utf8') }));
const code = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");

describe('every source file', () => {
  test('says what it is for in its first line', () => {
    expect(
      source.filter(({ text }) => !/^(\/\/ |\/\*\* )[A-Za-z`]/.test(text)).map(({ file }) => file),
    ).toEqual([]);
  });

  test('stays short enough to need no table of contents', () => {
    expect(source.filter(({ text }) => text.split('\n').length > 420).map(({ file }) => file)).toEqual([]);
  });

  test('has no default export, non-null assertion or TODO', () => {
    const wrong = source.filter(({ text }) => /\bexport default\b|\bTODO\b|\bFIXME\b/.test(text));
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });
});

describe('the outside world', () => {
  // Time, chance, console, environment and sockets come in as ports; only their forms and the command line reach for them
  // (and the simulated world, which gives the event loop a turn between events).
  const outside = source.filter(
    ({ file }) => !/^src\/(runtime|cli)\/|^src\/main\.ts$|^src\/sim\/sim-world\.ts$/.test(file),
  );
  test.each([
    ['the wall clock', /\bDate\.now\b|\bnew Date\(\)/],
    ['chance', /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b/],
    ['timers', /\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b/],
    ['the console', /\bconsole\./],
    ['the environment', /\bprocess\.(env|argv|exit|stdout)\b/],
    ['performance counters', /\bperformance\.now\b/],
  ])('%s is reached only through a port', (_, pattern) => {
    expect(outside.filter(({ text }) => pattern.test(code(text))).map(({ file }) => file)).toEqual([]);
  });

  test.each(['dgram', 'net', 'dns', 'http', 'tls'])('node:%s is used only under runtime', (name) => {
    const wrong = outside.filter(({ text }) =>
      // isIP and BlockList are arithmetic, not sockets.
      text
        .split('\n')
        .some(
          (line) =>
            new RegExp(`from 'node:${name}(/promises)?'`).test(line) &&
            !/import \{ (BlockList|isIP(v[46])?|, )+ \}|import \{ [^}]*\b(isIP|isIPv4|isIPv6|BlockList)\b/.test(
              line,
            ),
        ),
    );
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });
});

describe('what outlives a call', () => {
  test('every Map, Set or array held by a class says what bounds it', () => {
    const wrong: string[] = [];
    for (const { file, text } of source) {
      const lines = text.split('\n');
      lines.forEach((line, index) => {
        if (
          !/^ {2}(readonly |private )?#?\w+( *:[^=]*)? = new (Map|Set|BoundedMap)\b|^ {2}readonly #?\w+: \w.*\[\] = \[\];/.test(
            line,
          )
        )
          return;
        // One comment may speak for a block of fields.
        let top = index;
        while (
          /^ {2}(readonly |private )?#?\w+.*;$|^ {2}\/\/|^ {3}?\*|^ {2}\/\*\*/.test(lines[top - 1] ?? '')
        )
          top -= 1;
        const above = lines.slice(top, index + 1).join('\n');
        if (!above.includes('BOUNDED')) wrong.push(`${file}:${index + 1}`);
      });
    }
    expect(wrong).toEqual([]);
  });
});
