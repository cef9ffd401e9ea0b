// npm run bench:memory: the heap of a registrar that is a client of the ring, after 100 users and after 100,000.
import { ClientRegistrar } from '../support/client-registrar.ts';

const [MANY = 100_000] = process.argv.slice(2).map(Number);
const STEPS = [100, 1_000, 10_000, MANY].filter(
  (step, index, all) => step <= MANY && all.indexOf(step) === index,
);

const registrar = await ClientRegistrar.start();
try {
  let done = 0;
  process.stdout.write('users registered\theap after collection (MB)\tresident (MB)\tseconds\n');
  for (const users of STEPS) {
    const startedMs = performance.now();
    await registrar.register(done, users);
    done = users;
    const megabytes = [registrar.heap(), process.memoryUsage().rss].map((bytes) =>
      (bytes / 2 ** 20).toFixed(1),
    );
    process.stdout.write(
      `${users}\t${megabytes.join('\t')}\t${((performance.now() - startedMs) / 1000).toFixed(0)}\n`,
    );
  }
} finally {
  await registrar.stop();
}
