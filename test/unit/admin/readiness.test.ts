import { expect, test } from 'vitest';
import { readiness } from '../../../src/admin/readiness.ts';

const overlay = { joined: true, canary: undefined };

test.each<[string, Parameters<typeof readiness>[0], readonly string[]]>([
  ['all is well', { listening: true, draining: false, overlay }, []],
  ['local mode asks nothing of a ring', { listening: true, draining: false }, []],
  ['nothing listens', { listening: false, draining: false }, ['the SIP listeners are not open']],
  ['from SIGTERM on', { listening: true, draining: true, overlay }, ['shutting down']],
  [
    'not joined, whatever the canary says',
    { listening: true, draining: false, overlay: { joined: false, canary: 'lost' } },
    ['not joined to the overlay'],
  ],
  [
    'joined, but nothing is read back',
    { listening: true, draining: false, overlay: { joined: true, canary: 'lost' } },
    ['lost'],
  ],
])('%s', (_, parts, reasons) => {
  expect(readiness(parts)).toEqual({ ready: reasons.length === 0, reasons });
});
