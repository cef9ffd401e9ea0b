import { describe, expect, test } from 'vitest';
import { type Forwarded, ForwardMemory } from '../../../src/proxy/forward-memory.ts';
import type { Flow } from '../../../src/sip/types.ts';

const flow: Flow = {
  transport: 'udp',
  local: { host: '192.0.2.1', port: 5060 },
  advertised: { host: '192.0.2.1', port: 5060 },
  remote: { host: '192.0.2.50', port: 5070 },
  open: true,
  send: () => true,
};
const forwarded = (transaction: string, method = 'INVITE'): Forwarded => ({
  transaction,
  method,
  branch: `z9hG4bK${transaction}`,
  uri: 'sip:bob@192.0.2.7',
  routes: [],
  bytes: new Uint8Array(),
  up: flow,
  down: flow,
});
const MINUTE_MS = 60_000;

describe('what was forwarded', () => {
  test('is remembered as long as the phone rings', () => {
    const memory = new ForwardMemory(10);
    memory.add(forwarded('t'), 0);
    expect(memory.get('t', 30 * MINUTE_MS)?.transaction).toBe('t');
  });

  test('is remembered for 32 s after the final answer', () => {
    const memory = new ForwardMemory(10);
    memory.add(forwarded('t'), 0);
    memory.end(forwarded('t'), MINUTE_MS);
    expect(memory.get('t', MINUTE_MS + 31_999)).toBeDefined();
    expect(memory.get('t', MINUTE_MS + 32_000)).toBeUndefined();
  });

  test('is remembered for 32 s where it is no INVITE', () => {
    const memory = new ForwardMemory(10);
    memory.add(forwarded('t', 'BYE'), 0);
    expect(memory.get('t', 31_999)).toBeDefined();
    expect(memory.get('t', 32_000)).toBeUndefined();
  });

  test('leaves the tables once its time is over, though calls ring on', () => {
    const memory = new ForwardMemory(10);
    memory.add(forwarded('ringing'), 0);
    memory.add(forwarded('bye', 'BYE'), 0);
    memory.add(forwarded('later', 'BYE'), MINUTE_MS);
    expect(memory.size).toBe(2);
  });

  test('never exceeds the bound, and the oldest leaves first', () => {
    const memory = new ForwardMemory(3);
    for (let n = 0; n < 100; n += 1) memory.add(forwarded(`invite-${n}`), n);
    for (let n = 0; n < 100; n += 1) memory.add(forwarded(`bye-${n}`, 'BYE'), n);
    expect(memory.size).toBe(6);
    expect(memory.get('invite-0', 100)).toBeUndefined();
    expect(memory.get('invite-99', 100)).toBeDefined();
  });

  test('is forgotten when it could not be sent', () => {
    const memory = new ForwardMemory(3);
    memory.add(forwarded('t'), 0);
    memory.delete('t');
    expect(memory.get('t', 0)).toBeUndefined();
  });
});
