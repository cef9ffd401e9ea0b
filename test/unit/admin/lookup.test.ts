import { expect, test } from 'vitest';
import { createLookup } from '../../../src/admin/lookup.ts';
import type { QueryResult } from '../../../src/location/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const clock = new ManualClock();
const lookup = (result: QueryResult) => createLookup({ clock, location: { query: async () => result } });

test('what is found is told with the seconds that are left', async () => {
  const told = await lookup({
    kind: 'found',
    bindings: [
      {
        contact: 'sip:bob@192.0.2.4',
        canonicalContact: 'sip:bob@192.0.2.4',
        q: 0.5,
        params: [],
        path: [],
        expiresAtMs: clock.wallMs() + 59_001,
      },
    ],
  })('sips:Bob@BILOXI.com;x=1');
  expect(told).toEqual({
    ok: true,
    value: {
      uri: 'sips:Bob@BILOXI.com;x=1',
      name: 'sip:Bob@biloxi.com',
      result: 'found',
      reason: null,
      tookMs: 0,
      bindings: [
        {
          contact: 'sip:bob@192.0.2.4',
          q: 0.5,
          expiresSec: 60,
          instance: null,
          regId: null,
          params: [],
          path: [],
          userAgent: null,
        },
      ],
    },
  });
});

test.each([
  [{ kind: 'none' }, null],
  [{ kind: 'timeout' }, null],
  [{ kind: 'unavailable', reason: 'no peers' }, 'no peers'],
] as const)('%j is told as it is', async (result, reason) => {
  const told = await lookup(result)('sip:bob@biloxi.com');
  expect(told).toMatchObject({ ok: true, value: { result: result.kind, reason, bindings: [] } });
});

test('what names nobody is an error in words', async () => {
  expect(await lookup({ kind: 'none' })('bob')).toEqual({
    ok: false,
    error: expect.stringMatching(/not a URI/),
  });
});
