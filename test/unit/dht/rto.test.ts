import { describe, expect, test } from 'vitest';
import { RTO_MAX_MS, RTO_MIN_MS, type RtoState, rtoBackedOff, rtoSample } from '../../../src/dht/rto.ts';

const measured = (...samples: readonly number[]): RtoState => {
  let state: RtoState | undefined;
  for (const rttMs of samples) state = rtoSample(state, rttMs);
  return state ?? { srttMs: 0, rttvarMs: 0, rtoMs: 0 };
};

describe('RFC 6298', () => {
  test('2.2: the first sample sets SRTT to it and RTTVAR to half of it', () => {
    expect(measured(200)).toEqual({ srttMs: 200, rttvarMs: 100, rtoMs: 600 });
  });

  test('2.3: a later one moves RTTVAR by a quarter and SRTT by an eighth', () => {
    expect(measured(200, 280)).toEqual({ srttMs: 210, rttvarMs: 95, rtoMs: 590 });
  });

  test('a steady path comes down to the least, a slow one stays at the most', () => {
    expect(measured(...new Array<number>(50).fill(10)).rtoMs).toBe(RTO_MIN_MS);
    expect(measured(9000).rtoMs).toBe(RTO_MAX_MS);
  });

  test('5.5: backed off, it keeps what the call waited, until the next sample', () => {
    const backed = rtoBackedOff(measured(200), 1200);
    expect(backed.rtoMs).toBe(1200);
    expect(rtoSample(backed, 200).rtoMs).toBeLessThan(600);
  });

  test('backing off never shortens, and never passes the most', () => {
    expect(rtoBackedOff(measured(200), 50).rtoMs).toBe(600);
    expect(rtoBackedOff(undefined, 100_000).rtoMs).toBe(RTO_MAX_MS);
  });

  test('a peer that never answered is measured afresh at its first answer', () => {
    expect(rtoSample(rtoBackedOff(undefined, 3000), 50)).toEqual(measured(50));
  });
});
