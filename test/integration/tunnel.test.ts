// The two forms of one lookup that test/bench/tunnel.ts compares do find the binding, over as many peers as told.
import { expect, test } from 'vitest';
import { lspAsked, lspAsker } from '../bench/tunnel-lsp.ts';
import { sipAsked, sipAsker } from '../bench/tunnel-sip.ts';

test.each([
  ['LSP', () => lspAsked(3), () => lspAsker(), 2],
  ['REGISTER', () => sipAsked(3, false), () => sipAsker(), 2],
  ['REGISTER with what LSP signs', () => sipAsked(3, true), () => sipAsker(), 2],
] as const)('a lookup as %s goes from peer to peer to the binding', async (_, start, ask, datagrams) => {
  const asked = await start();
  const asker = await ask();
  // The last peer alone: one question, one answer. (LSP: the first one brings the cookie along.)
  await asker.lookup(asked.ports.slice(2));
  expect(asker.traffic.datagrams).toBe(datagrams);
  await asker.lookup(asked.ports);
  expect(asker.traffic.datagrams).toBeGreaterThanOrEqual(4 * datagrams);
  await asker.stop();
  await asked.stop();
});
