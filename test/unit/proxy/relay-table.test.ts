import { describe, expect, test } from 'vitest';
import { RelayTable } from '../../../src/proxy/relay-table.ts';

interface Held {
  readonly transaction: string;
  stopped: boolean;
  stop(): void;
}
const held = (transaction: string): Held => ({
  transaction,
  stopped: false,
  stop() {
    this.stopped = true;
  },
});
const MINUTE_MS = 60_000;
const KB = 1000;

describe('what is forwarded', () => {
  test('is held until its final answer, and 32 s more', () => {
    const table = new RelayTable<Held>({ max: 10, bytesMax: 100 * KB });
    const relay = held('t');
    table.add(relay, KB);
    expect(table.get('t', 30 * MINUTE_MS)).toBe(relay);
    table.end(relay, MINUTE_MS);
    expect(table.get('t', MINUTE_MS + 31_999)).toBe(relay);
    expect(table.get('t', MINUTE_MS + 32_000)).toBeUndefined();
  });

  test('is held 32 s more from its ACK, and no longer than that', () => {
    const table = new RelayTable<Held>({ max: 10, bytesMax: 100 * KB });
    const relay = held('t');
    table.add(relay, KB);
    table.end(relay, 0);
    table.end(relay, 20_000);
    expect(table.get('t', 51_999)).toBe(relay);
    expect(table.get('t', 52_000)).toBeUndefined();
    expect(table.hasRoom('new', 100 * KB, 52_000)).toBe(true);
    expect(table.bytes).toBe(0);
  });

  test('finds no room above the number of requests, until one ends', () => {
    const table = new RelayTable<Held>({ max: 3, bytesMax: 100 * KB });
    const all = ['1', '2', '3'].map(held);
    for (const relay of all) table.add(relay, KB);
    expect(table.hasRoom('new', KB, 0)).toBe(false);
    for (const relay of all.slice(0, 1)) table.end(relay, 0);
    expect(table.hasRoom('new', KB, 0)).toBe(true);
  });

  test('finds no room above the bytes, until what has ended is forgotten', () => {
    const table = new RelayTable<Held>({ max: 100, bytesMax: 10 * KB });
    const relay = held('large');
    table.add(relay, 9 * KB);
    table.end(relay, 0);
    expect(table.hasRoom('new', 2 * KB, 31_999)).toBe(false);
    expect(table.hasRoom('new', 2 * KB, 32_000)).toBe(true);
  });

  test('never exceeds twice its number, and the oldest that has ended leaves first', () => {
    const table = new RelayTable<Held>({ max: 3, bytesMax: 100 * KB });
    for (let n = 0; n < 50; n += 1) {
      const relay = held(`${n}`);
      expect(table.hasRoom('new', KB, n)).toBe(true);
      table.add(relay, KB);
      table.end(relay, n);
    }
    expect([table.size, table.bytes]).toEqual([3, 3 * KB]);
    expect(table.get('46', 50)).toBeUndefined();
    expect(table.get('47', 50)?.transaction).toBe('47');
  });

  test('is held once a transaction: another request of the same name finds no room', () => {
    const table = new RelayTable<Held>({ max: 3, bytesMax: 100 * KB });
    const relay = held('t');
    table.add(relay, KB);
    expect(table.hasRoom('t', KB, 0)).toBe(false);
    table.end(relay, 0);
    expect(table.hasRoom('t', KB, 1000)).toBe(false);
    expect(table.hasRoom('t', KB, 32_000)).toBe(true);
  });

  test('is stopped and forgotten at the end', () => {
    const table = new RelayTable<Held>({ max: 3, bytesMax: 100 * KB });
    const relay = held('t');
    table.add(relay, KB);
    table.stop();
    expect([relay.stopped, table.size, table.bytes]).toEqual([true, 0, 0]);
  });
});
