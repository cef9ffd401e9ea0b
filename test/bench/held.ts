// The heap that a forwarded call takes until somebody answers it: `npx tsx --expose-gc test/bench/held.ts`.
import { FakeFlow } from '../support/forward-fakes.ts';
import { ForwardWorld } from '../support/forward-world.ts';

const HELD = 10_000;
const BODY_BYTES = 600;
const collect = globalThis.gc;
if (collect === undefined) throw new Error('run it with --expose-gc');
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** What is sent is not kept. */
class Sink extends FakeFlow {
  override send(): boolean {
    return true;
  }
}

const run = async (): Promise<void> => {
  const world = new ForwardWorld({ max: HELD, bytesMax: 2 ** 30 });
  const us = { host: '192.0.2.1', port: 5060 };
  for (const [host, port] of [
    ['192.0.2.50', 5070],
    ['192.0.2.7', 5062],
  ] as const)
    world.flows.set(`udp ${host} ${port}`, new Sink('udp', { host, port }, us));
  const before = heap();
  const startedMs = performance.now();
  for (let n = 0; n < HELD; n += 1) await world.forward({ callId: `c${n}`, body: 'x'.repeat(BODY_BYTES) });
  const perSec = HELD / ((performance.now() - startedMs) / 1000);
  const eachKb = (heap() - before) / HELD / 1024;
  // And so that they are not collected as nobody's.
  if (world.retransmitter.size !== HELD) throw new Error('they are not held');
  process.stdout.write(
    `${HELD} INVITEs with ${BODY_BYTES} bytes of body held: ${eachKb.toFixed(1)} kB of heap each, ${perSec.toFixed(0)} forwarded a second\n`,
  );
};
await run();
