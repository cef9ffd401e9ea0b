// npm run bench:tunnel [-- LOOKUPS]: bytes, CPU and state of a lookup in LSP and of the same lookup carried in SIP
// REGISTER requests, side by side over loopback; printed as the tables of docs/sip-tunnel.md.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  coreIn,
  decodeOwnEntry,
  payloadIn,
  sealedIn,
  signatureIn,
  signatureInput,
} from '../../src/record/entry-codec.ts';
import { identityFromSeed, verifySignature } from '../../src/record/identity.ts';
import { nameKeys } from '../../src/record/keys.ts';
import { openSealed } from '../../src/record/seal.ts';
import { formatTable } from './table.ts';
import { ENTRY, OVERLAY, SEED } from './tunnel-form.ts';
import type { Command, Form, Usage } from './tunnel-node.ts';

const [LOOKUPS = 1000] = process.argv.slice(2).map(Number);
const ROUNDS = 7;
const AT_ONCE = 16;
/** ½·log₂ 1024 steps of routing, and the question for the binding. */
const LONG = 6;
const FORMS: readonly (readonly [form: Form, title: string])[] = [
  ['lsp', 'LSP'],
  ['sip', 'REGISTER'],
  ['sip-signed', 'REGISTER, same signed data'],
];

class Side {
  readonly #child: ChildProcess;
  ports: readonly number[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(form: Form, role: 'asked' | 'asker', count: number): Promise<Side> {
    const file = new URL('tunnel-node.ts', import.meta.url);
    const child = fork(file, [form, role, String(count)], { execArgv: ['--import', 'tsx', '--expose-gc'] });
    const side = new Side(child);
    side.ports = (await side.#answer()).ports;
    return side;
  }

  async #answer(): Promise<Usage> {
    const [usage] = await once(this.#child, 'message');
    // The child sends nothing else (tunnel-node.ts).
    return usage as Usage;
  }

  tell(command: Command): Promise<Usage> {
    const answer = this.#answer();
    this.#child.send(command);
    return answer;
  }

  stop(): void {
    this.#child.disconnect();
  }
}

interface Pair {
  readonly asked: Side;
  readonly asker: Side;
  readonly ports: readonly number[];
}

interface Round {
  readonly asker: number;
  readonly asked: number;
  readonly bytes: number;
  readonly datagrams: number;
  readonly millis: number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const round = async ({ asked, asker, ports }: Pair, count: number, atOnce = AT_ONCE): Promise<Round> => {
  const before = [await asked.tell({ do: 'usage' }), await asker.tell({ do: 'usage' })] as const;
  const after = await asker.tell({ do: 'lookups', ports, count, atOnce });
  const afterAsked = await asked.tell({ do: 'usage' });
  return {
    asker: (after.cpuMicros - before[1].cpuMicros) / count,
    asked: (afterAsked.cpuMicros - before[0].cpuMicros) / count,
    bytes: (after.bytes - before[1].bytes) / count,
    datagrams: (after.datagrams - before[1].datagrams) / count,
    millis: after.millis / count,
  };
};

const pairOf = async (form: Form, steps: number): Promise<Pair> => {
  const asked = await Side.start(form, 'asked', LONG);
  const asker = await Side.start(form, 'asker', 0);
  // A lookup of one step asks the last of the chain, which has the binding.
  return { asked, asker, ports: asked.ports.slice(LONG - steps) };
};

const figures = async (steps: number): Promise<string> => {
  const pairs = await Promise.all(FORMS.map(([form]) => pairOf(form, steps)));
  const rounds: Round[][] = FORMS.map(() => []);
  // One form after the other in every round, so that what else the machine does falls on all of them; the first warms up.
  for (let turn = 0; turn <= ROUNDS; turn += 1) {
    for (const [index, pair] of pairs.entries()) {
      const one = await round(pair, LOOKUPS);
      if (turn > 0) rounds[index]?.push(one);
    }
  }
  for (const { asked, asker } of pairs) {
    asked.stop();
    asker.stop();
  }
  const spread = (values: readonly number[]): string =>
    `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;
  return formatTable(
    [
      'form',
      'datagrams',
      'UDP payload (B)',
      'with IPv4, UDP (B)',
      'CPU asker (µs)',
      'CPU asked (µs)',
      'CPU both (µs)',
    ],
    FORMS.map(([, title], index) => {
      const all = rounds[index] ?? [];
      const datagrams = median(all.map((one) => one.datagrams));
      const bytes = median(all.map((one) => one.bytes));
      return [
        title,
        datagrams.toFixed(1),
        bytes.toFixed(0),
        (bytes + 28 * datagrams).toFixed(0),
        spread(all.map((one) => one.asker)),
        spread(all.map((one) => one.asked)),
        spread(all.map((one) => one.asker + one.asked)),
      ];
    }),
  );
};

const firstContact = async (): Promise<string> => {
  const rows = [];
  for (const steps of [1, LONG]) {
    const pair = await pairOf('lsp-fresh', steps);
    const { datagrams, bytes } = await round(pair, 50, 1);
    rows.push([
      `LSP, ${steps} steps, no cookie yet`,
      datagrams.toFixed(1),
      bytes.toFixed(0),
      (bytes + 28 * datagrams).toFixed(0),
    ]);
    pair.asked.stop();
    pair.asker.stop();
  }
  return formatTable(['form', 'datagrams', 'UDP payload (B)', 'with IPv4, UDP (B)'], rows);
};

/** What is still there right after the last lookup, for each request: timers J and K have not run out. */
const state = async (steps: number): Promise<string> => {
  const rows = [];
  const requests = LOOKUPS * LONG;
  const count = requests / steps;
  for (const [form, title] of FORMS) {
    const pair = await pairOf(form, steps);
    // All code has run and all caches are filled; what this leaves behind is not counted.
    await round(pair, LOOKUPS);
    const before = [await pair.asked.tell({ do: 'usage' }), await pair.asker.tell({ do: 'usage' })] as const;
    await pair.asker.tell({ do: 'lookups', ports: pair.ports, count, atOnce: AT_ONCE });
    const after = [await pair.asked.tell({ do: 'usage' }), await pair.asker.tell({ do: 'usage' })] as const;
    const memory = (at: 0 | 1): string =>
      ((after[at].memoryBytes - before[at].memoryBytes) / requests).toFixed(0);
    const held = (at: 0 | 1): string => ((after[at].held - before[at].held) / requests).toFixed(2);
    const unit = form === 'lsp' ? ' B of answers' : ' transactions';
    rows.push([title, `${held(0)}${unit}`, memory(0), `${held(1)}${unit}`, memory(1)]);
    pair.asked.stop();
    pair.asker.stop();
  }
  return formatTable(['form', 'held, asked', 'memory (B)', 'held, asker', 'memory (B)'], rows);
};

/** What the asker of either signed form does with the entry besides: microseconds for its signature, and for its seal. */
const verification = (): string => {
  const entry = decodeOwnEntry(ENTRY);
  const { publicKey } = identityFromSeed(SEED, { domain: 'biloxi.com', selector: 0 });
  const { secret } = nameKeys({ scheme: 'sip', user: 'bob', domain: 'biloxi.com' });
  const sealed = sealedIn(entry) ?? new Uint8Array();
  const micros = (work: () => unknown): string => {
    const times = Array.from({ length: 2000 }, () => {
      const startedMs = performance.now();
      if (!work()) throw new Error('the entry does not verify');
      return 1000 * (performance.now() - startedMs);
    });
    return median(times).toFixed(0);
  };
  const signature = micros(() =>
    verifySignature(publicKey, signatureInput(OVERLAY, payloadIn(entry)), signatureIn(entry)),
  );
  return formatTable(
    ['signature (µs)', 'seal (µs)'],
    [[signature, micros(() => openSealed(sealed, { secret, core: coreIn(entry) }))]],
  );
};

const print = (title: string, table: string): void => {
  process.stdout.write(`${title}\n\n${table}\n`);
};
print(`One step, ${LOOKUPS} lookups a round, median of ${ROUNDS} rounds (least-most)`, await figures(1));
print(`${LONG} steps`, await figures(LONG));
print('First contact', await firstContact());
for (const steps of [1, LONG]) print(`State for each request, ${steps} steps`, await state(steps));
print('An entry verified and opened', verification());
