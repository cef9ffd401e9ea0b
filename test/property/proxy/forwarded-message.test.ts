import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Branches } from '../../../src/proxy/branch.ts';
import { forwardedRequest, forwardedResponse } from '../../../src/proxy/forwarded-message.ts';
import { srvOrder } from '../../../src/proxy/srv-order.ts';
import { DEFAULT_VIA, requestOf, responseOf } from '../../support/forward-messages.ts';

const value = fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => text.trim());
const header = fc.tuple(
  fc.constantFrom(
    'Identity',
    'X-Unknown',
    'Contact',
    'P-Asserted-Identity',
    'Subject',
    'Require',
    'Record-Route',
  ),
  value,
);
const body = fc.string({ unit: 'binary-ascii', maxLength: 200 });
const changes = {
  target: { uri: 'sip:bob@192.0.2.7', routes: [] },
  branch: 'z9hG4bKours',
  down: { transport: 'udp', advertised: { host: '192.0.2.1', port: 5060 } },
  recordRoutes: [],
  isOurRealm: () => false,
} as const;

describe('what passes through', () => {
  test('keeps every row that is not about the way, in order, and the body', () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 20 }), body, (headers, text) => {
        const request = requestOf({ rows: headers.map(([name, one]) => `${name}: ${one}`), body: text });
        const about = new Set(['via', 'route', 'max-forwards', 'content-length']);
        const kept = (rows: typeof request.rows) => rows.filter(({ name }) => !about.has(name));
        const forwarded = forwardedRequest(request, changes);
        expect(kept(forwarded.rows)).toEqual(kept(request.rows));
        expect(forwarded.body).toEqual(request.body);
      }),
    );
  });

  test('loses one Via on the way back, however many there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), (count) => {
        const vias = Array.from(
          { length: count + 1 },
          (_, n) => `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${n}`,
        );
        const { rows } = forwardedResponse(responseOf({ status: 200, vias }));
        expect(rows.filter(({ name }) => name === 'via').map((row) => row.value)).toEqual(vias.slice(1));
      }),
    );
  });
});

describe('our branch', () => {
  const branches = new Branches(Buffer.from('secret'));
  const field = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[\0;,\s]/.test(text));

  test('differs for transactions that differ, and is one for all methods of one', () => {
    const transaction = fc.record({
      callId: field,
      cseq: fc.nat(),
      branch: field.map((text) => `z9hG4bK${text}`),
    });
    const branchOf = (
      { callId, cseq, branch }: { callId: string; cseq: number; branch: string },
      method: string,
    ) =>
      branches.of(
        requestOf({ callId, cseq, method, vias: [`SIP/2.0/UDP 192.0.2.50:5070;branch=${branch}`] }),
      );
    fc.assert(
      fc.property(transaction, transaction, (a, b) => {
        expect(branchOf(a, 'CANCEL')).toEqual(branchOf(a, 'INVITE'));
        const equal = a.callId === b.callId && a.cseq === b.cseq && a.branch === b.branch;
        expect(branchOf(a, 'INVITE').transaction === branchOf(b, 'INVITE').transaction).toBe(equal);
      }),
    );
  });

  test('is never seen in Vias that others made up', () => {
    const made = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), minLength: 44, maxLength: 44 });
    fc.assert(
      fc.property(fc.array(made, { maxLength: 10 }), (texts) => {
        const vias = [
          ...texts.map((text) => `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${text}`),
          DEFAULT_VIA,
        ];
        expect(branches.loops(requestOf({ vias }))).toBe(false);
      }),
    );
  });
});

describe('SRV records', () => {
  const record = fc.record({
    name: fc.constantFrom('a.example', 'b.example', 'c.example'),
    port: fc.integer({ min: 1, max: 65_535 }),
    priority: fc.integer({ min: 0, max: 3 }),
    weight: fc.integer({ min: 0, max: 65_535 }),
  });

  test('are all tried once, in the order of their priorities, whatever the seed', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.string(), (records, seed) => {
        const ordered = srvOrder(records, seed);
        expect(ordered).toHaveLength(records.length);
        expect(new Set(ordered)).toEqual(new Set(records));
        expect(ordered.map(({ priority }) => priority)).toEqual(
          records.map(({ priority }) => priority).sort((a, b) => a - b),
        );
      }),
    );
  });
});
