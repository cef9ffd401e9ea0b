import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

/** What a process logs that runs `body` with `log` at hand. */
const logged = async (body: string): Promise<{ lines: string[]; code: unknown }> => {
  const source = `import { createLog } from './src/runtime/log.ts'; const log = createLog('info'); ${body}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'close');
  return { lines: text.split('\n').slice(0, -1), code };
};

test('every line of a busy turn and those before the exit are there, in order, each whole', async () => {
  const { lines, code } = await logged(
    'for (let n = 0; n < 500; n += 1) log.info({ n, pad: "x".repeat(60) }, "busy");' +
      'setImmediate(() => setImmediate(() => { log.info({ n: 500 }, "last"); process.exit(3); }));',
  );
  expect(code).toBe(3);
  expect(lines.map((line): unknown => JSON.parse(line).n)).toEqual(Array.from({ length: 501 }, (_, n) => n));
});

test('a line is out before anything else happens, though nothing follows it', async () => {
  const { lines } = await logged(
    'log.info({}, "ready"); setTimeout(() => process.kill(process.pid, "SIGKILL"), 300);',
  );
  expect(lines).toHaveLength(1);
});
