// One process of test/bench/tunnel.ts: all peers on the way of one form of lookup, or the one that asks them.
import assert from 'node:assert';
import type { Asked, Asker } from './tunnel-form.ts';
import { lspAsked, lspAsker } from './tunnel-lsp.ts';
import { sipAsked, sipAsker } from './tunnel-sip.ts';

export type Form = 'lsp' | 'lsp-fresh' | 'sip' | 'sip-signed';
export type Command =
  | { readonly do: 'usage' }
  | {
      readonly do: 'lookups';
      readonly ports: readonly number[];
      readonly count: number;
      readonly atOnce: number;
    };

/** What a process says after every command. */
export interface Usage {
  readonly ports: readonly number[];
  readonly cpuMicros: number;
  /** Heap and what lies beside it: the bytes of buffers. */
  readonly memoryBytes: number;
  readonly held: number;
  readonly datagrams: number;
  readonly bytes: number;
  readonly millis: number;
}

const [form, role, count = '1'] = process.argv.slice(2);
const asked = (): Promise<Asked> =>
  form === 'lsp' || form === 'lsp-fresh'
    ? lspAsked(Number(count))
    : sipAsked(Number(count), form === 'sip-signed');
const asker = (): Promise<Asker> =>
  form === 'lsp' || form === 'lsp-fresh' ? lspAsker(form === 'lsp-fresh') : sipAsker();

const peers = role === 'asked' ? await asked() : undefined;
const client = role === 'asker' ? await asker() : undefined;

const say = (millis: number, collect: boolean): void => {
  const { user, system } = process.cpuUsage();
  // Twice: what the first collection finalises is freed by the second.
  if (collect) for (let times = 0; times < 2; times += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const usage: Usage = {
    ports: peers?.ports ?? [],
    cpuMicros: user + system,
    memoryBytes: heapUsed + external,
    held: (peers ?? client)?.held() ?? 0,
    datagrams: client?.traffic.datagrams ?? 0,
    bytes: client?.traffic.bytes ?? 0,
    millis,
  };
  process.send?.(usage);
};

process.on('message', async (command: Command) => {
  if (command.do === 'usage') {
    say(0, true);
    return;
  }
  assert(client !== undefined, 'only an asker looks up');
  const startedMs = performance.now();
  let left = command.count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await client.lookup(command.ports);
    }
  };
  await Promise.all(Array.from({ length: command.atOnce }, work));
  say(performance.now() - startedMs, false);
});
process.on('disconnect', () => process.exit(0));
say(0, true);
