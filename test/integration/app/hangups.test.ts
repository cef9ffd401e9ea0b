// SIGHUP as something that loops may send it: many at once.
import { afterEach, expect, test } from 'vitest';
import { isReady } from '../../support/admin-client.ts';
import { type ServerProcess, startProcess } from '../../support/server-process.ts';
import { until } from '../../support/until.ts';

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.end('SIGKILL');
});

test('a hundred signals are a reload or a few, and the last of them counts', async () => {
  const lines: string[] = [];
  const reloads = () => lines.filter((text) => text.includes('"limits reloaded"')).length;
  server = await startProcess({ publication: 'local' }, 'ready', (text) => void lines.push(text));

  const startedMs = performance.now();
  for (let count = 0; count < 100; count += 1) {
    server.child.kill('SIGHUP');
    expect(await isReady(server.admin)).toBe(true);
  }
  const before = reloads();
  server.child.kill('SIGHUP');

  await until('the last one is heard', () => reloads() > before);
  expect(reloads()).toBeLessThan(3 + (performance.now() - startedMs) / 100);
}, 30_000);
