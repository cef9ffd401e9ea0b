import { describe, expect, test } from 'vitest';
import { Authority } from '../../../src/dht/authority.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const JUMP_MS = 5000;
const LEASE_MS = 15_000;

/** A machine whose monotonic clock stands still while it sleeps, as Linux' does. */
class SleepingClock extends ManualClock {
  #sleptMs = 0;
  override wallMs(): number {
    return super.wallMs() + this.#sleptMs;
  }
  sleep(ms: number): void {
    this.#sleptMs += ms;
  }
}

const setup = () => {
  const clock = new SleepingClock();
  const authority = new Authority(clock, JUMP_MS);
  let asked = 0;
  authority.onVoid(() => {
    asked += 1;
  });
  const look = (recognisedMs: number): boolean => {
    authority.observeClocks();
    return authority.seen(authority.recognised([recognisedMs, recognisedMs], LEASE_MS));
  };
  look(clock.monoMs());
  return { clock, authority, look, asked: () => asked, lapses: authority.lapses };
};

describe('a machine that slept', () => {
  test('has lapsed, however soon its neighbours recognise it again: others wrote without it', () => {
    const { clock, authority, look, lapses } = setup();
    clock.sleep(600_000);
    clock.advance(100);
    expect(look(0)).toBe(false);
    clock.advance(100);
    expect(look(clock.monoMs())).toBe(true);
    expect(authority.lapses).toBeGreaterThan(lapses);
  });

  test('asks its neighbours anew at once, and for one sleep once', () => {
    const { clock, look, asked } = setup();
    clock.sleep(600_000);
    clock.advance(100);
    look(0);
    look(0);
    expect(asked()).toBe(1);
  });

  test('that did not sleep has not lapsed', () => {
    const { clock, authority, look, lapses } = setup();
    clock.advance(100);
    expect(look(clock.monoMs())).toBe(true);
    expect(authority.lapses).toBe(lapses);
  });
});
