// The overlay's client where nobody is.
import { expect, test } from 'vitest';
import { LspClient } from '../../../src/dht/client.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';

test('a walk of the ring through an address where nobody answers ends within 5 s, with nobody', async () => {
  const world = new SimWorld(1);
  const { clock, random, openDatagram } = world.boot('10.0.0.1');
  const client = new LspClient(
    {
      clock,
      random,
      openDatagram,
      resolveHost: async () => [],
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    {
      overlayId: 'lsp',
      listen: { host: '10.0.0.1', port: 7184 },
      seeds: [{ host: '10.0.0.2', port: 7184 }],
      replicas: 3,
    },
  );
  await client.start();
  // Rejects if it takes longer.
  expect((await world.settle(client.members(), 5_000)).members).toEqual([]);
  await client.stop();
});
