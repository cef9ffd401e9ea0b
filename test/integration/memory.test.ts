import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientRegistrar } from '../support/client-registrar.ts';

/** What repeated answers, rate buckets and caches come to before they are at their bounds. */
const WARM_UP = 1_500;
const MORE = 5_000;
/** A table entry a user of 300 bytes would be 1.5 MB. */
const HEAP_NOISE_BYTES = 1_500_000;

let registrar: ClientRegistrar;

beforeAll(async () => {
  registrar = await ClientRegistrar.start();
}, 60_000);
afterAll(() => registrar.stop());

test('a registrar that is a client of the ring keeps nothing for each user', {
  timeout: 120_000,
}, async () => {
  await registrar.register(0, WARM_UP);
  const before = registrar.heap();
  await registrar.register(WARM_UP, WARM_UP + MORE);
  expect(registrar.heap() - before).toBeLessThan(HEAP_NOISE_BYTES);
});
