// RFC 3261 §16.3 to §16.10, what a proxy checks, forwards, answers and cancels, sentence by sentence: the forwarder with its memory.
import { expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { FakeFlow } from '../../support/forward-fakes.ts';
import { DEFAULT_VIA, type GivenRequest } from '../../support/forward-messages.ts';
import { ForwardWorld, settled, startOf, valuesOf } from '../../support/forward-world.ts';
import { srv, zoneDns } from '../../support/zone-dns.ts';

const TAGGED = '<sip:bob@example.com>;tag=b1';
const TCP_VIA = 'SIP/2.0/TCP 192.0.2.50:5070;branch=z9hG4bKt1';
const MINUTE_MS = 60_000;

const branchOf = (sent: string | undefined): string =>
  /branch=([^;]*)/.exec(valuesOf(sent, 'Via')[0] ?? '')?.[1] ?? '';
const heard = (flow: FakeFlow): readonly string[] =>
  flow.sent.map((text) => startOf(text).replace('SIP/2.0 ', ''));
const methods = (flow: FakeFlow): readonly string[] => flow.sent.map((text) => text.split(' ', 1).join(''));
const tcpCaller = (): FakeFlow => new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });

/** One request under way to the callee, at 192.0.2.7. */
const forwarded = async (given: GivenRequest = {}, routes: readonly string[] = []): Promise<ForwardWorld> => {
  const world = new ForwardWorld();
  await world.forward(given, routes);
  return world;
};
const sentFor = async (given: GivenRequest, routes: readonly string[] = []): Promise<string> => {
  const world = await forwarded(given, routes);
  return [...world.flows.values()].flatMap(({ sent }) => sent)[0] ?? '';
};
const refused = async (given: GivenRequest, status: number): Promise<void> => {
  const world = new ForwardWorld();
  const { transaction } = await world.forward(given);
  expect(transaction.status).toBe(status);
  expect([...world.flows.values()].flatMap(({ sent }) => sent)).toEqual([]);
};
/** The same request once it has been here and at another proxy. */
const comeBack = async (given: GivenRequest) => {
  const world = await forwarded();
  const vias = ['SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKp1', ...valuesOf(world.callee.sent[0], 'Via')];
  return (await world.forward({ vias, maxForwards: 68, ...given })).transaction.status;
};

clause('RFC 3261 §16.3 Request Validation', [
  {
    id: '16.3-1',
    says: 'an element would not reject a request because of a malformed Date header field. Likewise, a proxy would not remove a malformed Date header field before forwarding a request.',
    shows: async () =>
      expect(valuesOf(await sentFor({ rows: ['Date: yesterday;;'] }), 'Date')).toEqual(['yesterday;;']),
  },
  {
    id: '16.3-2',
    says: 'An element MUST NOT refuse to proxy a request because it contains a method or header field it does not know about.',
    when: 'here a header field; unknown methods end at the server (501, docs/conformance.md)',
    shows: async () => expect(valuesOf(await sentFor({ rows: ['P-New: 1'] }), 'P-New')).toEqual(['1']),
  },
  {
    id: '16.3-3',
    says: 'If the request does not contain a Max-Forwards header field, this check is passed.',
    shows: async () =>
      expect(valuesOf(await sentFor({ maxForwards: 'absent' }), 'Max-Forwards')).toEqual(['70']),
  },
  {
    id: '16.3-4',
    says: 'If the request contains a Max-Forwards header field with a field value greater than zero, the check is passed.',
    shows: async () => expect(valuesOf(await sentFor({ maxForwards: 1 }), 'Max-Forwards')).toEqual(['0']),
  },
  {
    id: '16.3-5',
    says: 'If the request contains a Max-Forwards header field with a field value of zero (0), the element MUST NOT forward the request. … Otherwise, the element MUST return a 483 (Too many hops) response.',
    shows: async () => {
      for (const method of ['INVITE', 'MESSAGE', 'BYE', 'SUBSCRIBE'])
        await refused({ method, maxForwards: 0 }, 483);
    },
  },
  {
    id: '16.3-6',
    says: 'If the request was for OPTIONS, the element MAY act as the final recipient and respond per Section 11.',
    notOurs: 'it is answered before it comes to the forwarder: test/unit/sip/dispatch.test.ts',
  },
  {
    id: '16.3-7',
    says: 'If the parameters match, the request has looped. … If a loop is detected, the element MAY return a 482 (Loop Detected) response.',
    shows: async () => expect(await comeBack({})).toBe(482),
  },
  ...(
    [
      ['another Request-URI', { uri: 'sip:carol@192.0.2.7:5062' }],
      ['another Route', { rows: ['Route: <sip:p.example;lr>'] }],
      ['the next request of the same call', { cseq: 2 }],
    ] as const
  ).map(([when, given], index) => ({
    id: `16.3-8.${index + 1}`,
    says: 'If they differ, the request is spiraling, and processing continues.',
    when,
    shows: async () => expect(await comeBack(given)).toBe('released'),
  })),
  {
    id: '16.3-9',
    says: 'the "branch" parameter it supplies MUST depend on all information affecting processing of a request',
    when: 'Vias that others made up, of the shape of ours, are no loop',
    shows: async () => {
      const vias = [`SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${'a'.repeat(44)}`, DEFAULT_VIA];
      const { transaction } = await new ForwardWorld().forward({ vias });
      expect(transaction.status).toBe('released');
    },
  },
]);

clause('RFC 3261 §16.6 Request Forwarding', [
  {
    id: '16.6-1',
    says: 'The copy MUST initially contain all of the header fields from the received request. Fields not detailed in the processing described below MUST NOT be removed. The copy SHOULD maintain the ordering of the header fields as in the received request.',
    when: 'but for Max-Forwards and Route, which stand on top',
    shows: async () => {
      const rows = ['Identity: abc;info=<x>', 'X-b: 1', 'x-B: 2', 'm: <sip:a@b>', 'Subject: caf\u00c3\u00a9'];
      const kept = (await sentFor({ rows })).split('\r\n').filter((line) => rows.includes(line));
      expect(kept).toEqual(rows);
    },
  },
  {
    id: '16.6-2',
    says: 'The proxy MUST NOT reorder field values with a common field name',
    shows: async () => {
      const rows = [
        'Record-Route: <sip:a.example;lr>, <sip:b.example;lr>',
        'X-Row: 1',
        'Record-Route: <sip:c.example;lr>',
      ];
      expect(valuesOf(await sentFor({ method: 'MESSAGE', rows }), 'Record-Route')).toEqual([
        '<sip:a.example;lr>, <sip:b.example;lr>',
        '<sip:c.example;lr>',
      ]);
    },
  },
  {
    id: '16.6-3',
    says: 'The proxy MUST NOT add to, modify, or remove the message body.',
    shows: async () =>
      expect((await sentFor({ body: '\0\xff\r\n\r\nend' })).split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(
        '\0\xff\r\n\r\nend',
      ),
  },
  {
    id: '16.6-4',
    says: 'In some circumstances, the received Request-URI is placed into the target set without being modified. For that target, the replacement above is effectively a no-op.',
    shows: async () => {
      const uri = 'sip:b%6fb;x=1@192.0.2.7:5062;Transport=udp;y';
      expect(startOf(await sentFor({ uri }))).toBe(`INVITE ${uri} SIP/2.0`);
    },
  },
  {
    id: '16.6-5',
    says: 'If the copy contains a Max-Forwards header field, the proxy MUST decrement its value by one (1).',
    shows: async () => expect(valuesOf(await sentFor({ maxForwards: 12 }), 'Max-Forwards')).toEqual(['11']),
  },
  {
    id: '16.6-6',
    says: 'it MUST insert a Record-Route header field value into the copy before any existing Record-Route header field values',
    shows: async () => {
      const routes = valuesOf(
        await sentFor({ rows: ['Record-Route: <sip:older.example;lr>'] }),
        'Record-Route',
      );
      expect(routes).toEqual([
        expect.stringMatching(/^<sip:d1\.[^@]+@192\.0\.2\.1:5060;lr>$/),
        '<sip:older.example;lr>',
      ]);
    },
  },
  {
    id: '16.6-7',
    says: 'The URI placed in the Record-Route header field value MUST be a SIP or SIPS URI. This URI MUST contain an lr parameter',
    when: 'for what begins a dialog; other requests bear none',
    shows: async () => {
      const count = async (given: GivenRequest) => valuesOf(await sentFor(given), 'Record-Route').length;
      expect(await Promise.all(['INVITE', 'SUBSCRIBE', 'REFER'].map((method) => count({ method })))).toEqual([
        1, 1, 1,
      ]);
      expect(await Promise.all(['MESSAGE', 'OPTIONS'].map((method) => count({ method })))).toEqual([0, 0]);
      expect(await count({ method: 'BYE', to: TAGGED })).toBe(0);
    },
  },
  {
    id: '16.6-8',
    says: 'The URI SHOULD NOT contain the transport parameter unless the proxy has knowledge … that the next downstream element that will be in the path of subsequent requests supports that transport.',
    when: 'each side gets the transport that it speaks itself (RFC 5658 §3)',
    shows: async () => {
      const world = new ForwardWorld();
      await world.forward({ vias: [TCP_VIA] }, [], tcpCaller());
      expect(
        valuesOf(world.callee.sent[0], 'Record-Route').map((one) => one.replace(/d1[^@]*/, 't')),
      ).toEqual(['<sip:t@192.0.2.1:5060;lr>', '<sip:t@192.0.2.1:5060;transport=tcp;lr>']);
    },
  },
  {
    id: '16.6-9',
    says: 'If that URI does not contain an lr parameter … The proxy MUST place the Request-URI into the Route header field as the last value. The proxy MUST then place the first Route header field value into the Request-URI and remove that value from the Route header field.',
    shows: async () => {
      const sent = await sentFor({ uri: 'sip:bob@example.com' }, [
        '<sip:192.0.2.7:5062>',
        '<sip:q.example;lr>',
      ]);
      expect(startOf(sent)).toBe('INVITE sip:192.0.2.7:5062 SIP/2.0');
      expect(valuesOf(sent, 'Route')).toEqual(['<sip:q.example;lr>', '<sip:bob@example.com>']);
    },
  },
  {
    id: '16.6-10',
    says: 'the proxy MUST apply the procedures to the first value in the Route header field, if present, else the Request-URI',
    shows: async () => {
      const world = await forwarded({ uri: 'sip:bob@192.0.2.99' }, ['<sip:192.0.2.7:5062;lr>']);
      expect(startOf(world.callee.sent[0])).toBe('INVITE sip:bob@192.0.2.99 SIP/2.0');
    },
  },
  {
    id: '16.6-11',
    says: 'If the ordered set is exhausted, the request cannot be forwarded to this element in the target set. The proxy … acts as if this element of the target set returned a 408 (Request Timeout) final response.',
    fails:
      'where no connection was to be had nothing timed out: §16.9 and §16.7 make it a 500, which says so at once',
    shows: () => refused({ uri: 'sips:bob@192.0.2.7' }, 408),
  },
  {
    id: '16.6-12',
    says: 'The proxy MUST insert a Via header field value into the copy before the existing Via header field values.',
    shows: async () =>
      expect(valuesOf(await sentFor({}), 'Via')).toEqual([
        expect.stringMatching(/^SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bK[\w-]{44};rport$/),
        DEFAULT_VIA,
      ]),
  },
  {
    id: '16.6-13',
    says: 'CANCEL and ACK requests (for non-2xx responses) MUST have the same branch value as the corresponding request they cancel or acknowledge.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 180);
      world.again({ method: 'CANCEL' });
      world.answer(world.callee.sent[0], 487);
      world.again({ method: 'ACK', to: TAGGED });
      expect(new Set(world.callee.sent.map(branchOf)).size).toBe(1);
      expect(methods(world.callee)).toEqual(['INVITE', 'CANCEL', 'ACK']);
    },
  },
  {
    id: '16.6-14',
    says: 'If the request will be sent to the next hop using a stream-based transport and the copy contains no Content-Length header field, the proxy MUST insert one with the correct value',
    shows: async () => {
      const sent = await sentFor({ uri: 'sip:bob@192.0.2.7:5062;transport=tcp', body: 'v=0' });
      expect(valuesOf(sent, 'Content-Length')).toEqual(['3']);
    },
  },
  {
    id: '16.6-15',
    says: 'A stateful proxy MUST create a new client transaction for this request as described in Section 17.1',
    when: 'the caller retransmits: it joins, and gets our 100 again',
    shows: async () => {
      const world = await forwarded();
      world.clock.advance(500);
      world.again({});
      expect([methods(world.callee), heard(world.caller)]).toEqual([
        ['INVITE', 'INVITE'],
        ['100 Trying', '100 Trying'],
      ]);
    },
  },
  {
    id: '16.6-16',
    says: 'Timer C MUST be set for each client transaction when an INVITE request is proxied. The timer MUST be larger than 3 minutes.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 180);
      world.clock.advance(3 * MINUTE_MS + 1);
      expect(methods(world.callee)).toEqual(['INVITE']);
    },
  },
]);

clause('RFC 3261 §16.7 Response Processing', [
  {
    id: '16.7-1',
    says: 'If none is found, the element MUST process the response (even if it is an informational response) as a stateless proxy',
    shows: async () => {
      const world = await forwarded();
      world.restarted();
      world.answer(world.callee.sent[0], 180);
      await settled();
      expect(heard(world.caller)).toEqual(['180 Reason']);
    },
  },
  {
    id: '16.7-2',
    says: 'if the response is a provisional response with status codes 101 to 199 inclusive (i.e., anything but 100), the proxy MUST reset timer C for that client transaction',
    shows: async () => {
      const world = await forwarded();
      for (let minute = 0; minute < 60; minute += 2) {
        world.answer(world.callee.sent[0], 180);
        world.clock.advance(2 * MINUTE_MS);
      }
      expect(methods(world.callee)).toEqual(['INVITE']);
    },
  },
  {
    id: '16.7-3',
    says: 'The proxy removes the topmost Via header field value from the response.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 200);
      expect(valuesOf(world.caller.sent[0], 'Via')).toEqual([DEFAULT_VIA]);
    },
  },
  {
    id: '16.7-4',
    says: 'If no Via header field values remain in the response, the response was meant for this element and MUST NOT be forwarded.',
    shows: async () => {
      const world = await forwarded();
      world.answer(undefined, 200, { vias: valuesOf(world.callee.sent[0], 'Via').slice(0, 1) });
      await settled();
      expect(world.caller.sent.filter((text) => text.includes('200'))).toEqual([]);
    },
  },
  {
    id: '16.7-5',
    says: 'the following responses MUST be forwarded immediately: Any provisional response other than 100 (Trying), Any 2xx response',
    shows: async () => {
      const world = await forwarded();
      for (const status of [180, 183, 200]) world.answer(world.callee.sent[0], status);
      expect(heard(world.caller)).toEqual(['180 Reason', '183 Reason', '200 Reason']);
    },
  },
  {
    id: '16.7-6',
    says: 'a stateful proxy MUST NOT forward any 100 (Trying) response',
    when: 'the caller gets one of ours, once',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 100);
      world.answer(world.callee.sent[0], 100);
      expect(heard(world.caller)).toEqual(['100 Trying']);
    },
  },
  {
    id: '16.7-7',
    says: 'After a final response has been sent on the server transaction, the following responses MUST be forwarded immediately: Any 2xx response to an INVITE request',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 200);
      world.answer(world.callee.sent[0], 200, { to: '<sip:bob@example.com>;tag=b2' });
      expect(heard(world.caller)).toEqual(['200 Reason', '200 Reason']);
    },
  },
  {
    id: '16.7-8',
    says: 'If there are no final responses in the context, the proxy MUST send a 408 (Request Timeout) response to the server transaction.',
    when: 'an INVITE; repeated over UDP until its ACK, which goes no further',
    shows: async () => {
      const world = await forwarded();
      await settled();
      world.clock.advance(32_000);
      await settled();
      world.clock.advance(600);
      expect(heard(world.caller)).toEqual(['100 Trying', '408 Request Timeout', '408 Request Timeout']);
      const sent = world.callee.sent.length;
      expect(world.again({ method: 'ACK', to: '<sip:bob@example.com>;tag=ours' })).toBe(true);
      world.clock.advance(MINUTE_MS);
      expect([world.caller.sent.length, world.callee.sent.length]).toEqual([3, sent]);
    },
  },
  {
    id: '16.7-9',
    says: 'the proxy MUST send a 408 (Request Timeout) response to the server transaction',
    when: 'anything else: RFC 4320 §4.2 forbids it since, §4.1 wants a 100 after 3.5 s',
    shows: async () => {
      const world = await forwarded({ method: 'MESSAGE' });
      world.clock.advance(3499);
      expect(heard(world.caller)).toEqual([]);
      world.clock.advance(1);
      await settled();
      world.clock.advance(MINUTE_MS);
      await settled();
      expect(heard(world.caller)).toEqual(['100 Trying']);
    },
  },
  {
    id: '16.7-10',
    says: 'If the only response that was received is a 503, the proxy SHOULD generate a 500 response and forward that upstream.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 503);
      await settled();
      expect([methods(world.callee), heard(world.caller)]).toEqual([
        ['INVITE', 'ACK'],
        ['500 Next Hop Unreachable'],
      ]);
    },
  },
  {
    id: '16.7-11',
    says: 'A proxy MUST NOT modify the tag in the To header field of a 1xx or 2xx response.',
    shows: async () => {
      const world = await forwarded();
      for (const status of [180, 200]) world.answer(world.callee.sent[0], status);
      expect(world.caller.sent.map((text) => valuesOf(text, 'To'))).toEqual([[TAGGED], [TAGGED]]);
    },
  },
  {
    id: '16.7-12',
    says: 'An element SHOULD preserve the To tag when simply forwarding a 3-6xx response to a request that did not contain a To tag.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 486);
      expect(valuesOf(world.caller.sent[0], 'To')).toEqual([TAGGED]);
    },
  },
  {
    id: '16.7-13',
    says: 'If the selected response is a 401 (Unauthorized) or 407 (Proxy Authentication Required), the proxy MUST collect any WWW-Authenticate and Proxy-Authenticate header field values from all other 401 (Unauthorized) and 407 (Proxy Authentication Required) responses received so far in this response context and add them to this response without modification before forwarding.',
    when: 'there is one response: what it holds goes on verbatim',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 407, {
        rows: ['Proxy-Authenticate: Digest realm="far", nonce="x"', 'Proxy-Authenticate: Digest realm="b"'],
      });
      expect(valuesOf(world.caller.sent[0], 'Proxy-Authenticate')).toEqual([
        'Digest realm="far", nonce="x"',
        'Digest realm="b"',
      ]);
    },
  },
  {
    id: '16.7-14',
    says: 'If timer G fires, the response is passed to the transport layer once more for retransmission',
    when: '§17.2.1: a refusal from a stream to a caller on UDP, until his ACK',
    shows: async () => {
      const world = await forwarded({ uri: 'sip:bob@192.0.2.7:5062;transport=tcp' });
      const callee = world.flow('tcp', '192.0.2.7', 5062);
      world.answer(callee.sent[0], 486, {}, callee);
      world.clock.advance(1600);
      expect(heard(world.caller)).toHaveLength(3);
      world.again({ method: 'ACK', to: TAGGED });
      world.clock.advance(MINUTE_MS);
      expect(heard(world.caller)).toHaveLength(3);
    },
  },
  {
    id: '16.7-15',
    says: 'Any retransmissions of the final response that are received while in the "Completed" state MUST cause the ACK to be re-passed to the transport layer for retransmission',
    when: '§17.1.1.2: a refusal repeated over UDP for a caller on a stream, who has forgotten it: our copy of his ACK',
    shows: async () => {
      const world = new ForwardWorld();
      const caller = tcpCaller();
      await world.forward({ vias: [TCP_VIA] }, [], caller);
      world.answer(world.callee.sent[0], 486);
      world.again({ method: 'ACK', vias: [TCP_VIA], to: TAGGED });
      world.answer(world.callee.sent[0], 486);
      expect([caller.sent.length, methods(world.callee)]).toEqual([1, ['INVITE', 'ACK', 'ACK']]);
    },
  },
]);

clause('RFC 3261 §16.8 Timer C, §16.9 Transport Errors', [
  {
    id: '16.8-1',
    says: 'If the client transaction has received a provisional response, the proxy MUST generate a CANCEL request matching that transaction.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 180);
      world.clock.advance(200_000);
      expect(methods(world.callee)).toEqual(['INVITE', 'CANCEL']);
      world.answer(world.callee.sent[0], 487);
      expect(heard(world.caller)).toEqual(['180 Reason', '487 Reason']);
    },
  },
  {
    id: '16.8-2',
    says: 'the proxy MUST either reset the timer with any value it chooses, or terminate the client transaction',
    when: 'the callee does not answer the CANCEL either: 408, whatever it says meanwhile',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 180);
      world.clock.advance(200_000);
      world.answer(world.callee.sent[0], 180);
      world.clock.advance(32_000);
      expect(heard(world.caller)).toEqual(['180 Reason', '408 Request Timeout']);
    },
  },
  {
    id: '16.8-3',
    says: 'If the client transaction has not received a provisional response, the proxy MUST behave as if the transaction received a 408 (Request Timeout) response.',
    notOurs: 'timer B fires first, after 32 s (16.7-8)',
  },
  {
    id: '16.9-1',
    says: 'If the transport layer notifies a proxy of an error when it tries to forward a request …, the proxy MUST behave as if the forwarded request received a 503 (Service Unavailable) response.',
    when: 'and so, by §16.7 step 6, as a 500',
    shows: () => refused({ uri: 'sips:bob@192.0.2.7' }, 500),
  },
  {
    id: '16.9-2',
    says: 'If the proxy is notified of an error when forwarding a response, it drops the response.',
    when: 'once no other way back is left (RFC 3263 §5)',
    shows: async () => {
      const world = new ForwardWorld();
      const gone = tcpCaller();
      await world.forward({ vias: ['SIP/2.0/TCP 192.0.2.50;branch=z9hG4bKt1'] }, [], gone);
      gone.open = false;
      world.unreachable.add('tcp 192.0.2.50 5060');
      world.answer(world.callee.sent[0], 180);
      await settled();
      expect([gone.sent, methods(world.callee)]).toEqual([[], ['INVITE']]);
    },
  },
  {
    id: '16.9-3',
    says: 'The proxy SHOULD NOT cancel any outstanding client transactions associated with this response context due to this notification.',
    shows: async () => {
      const world = new ForwardWorld();
      const caller = tcpCaller();
      await world.forward({ vias: [TCP_VIA] }, [], caller);
      caller.takes = false;
      world.answer(world.callee.sent[0], 180);
      expect(methods(world.callee)).toEqual(['INVITE']);
    },
  },
]);

clause('RFC 3261 §16.10 CANCEL Processing', [
  {
    id: '16.10-1',
    says: 'A proxy MUST cancel any pending client transactions associated with a response context when it receives a matching CANCEL request.',
    shows: async () => {
      const world = await forwarded({ uri: 'sip:bob@192.0.2.99' }, ['<sip:192.0.2.7:5062;lr>']);
      world.answer(world.callee.sent[0], 180);
      world.clock.advance(MINUTE_MS);
      world.again({ method: 'CANCEL', uri: 'sip:bob@192.0.2.99' });
      const [invite, cancel] = world.callee.sent;
      expect(startOf(cancel)).toBe('CANCEL sip:bob@192.0.2.99 SIP/2.0');
      for (const name of ['From', 'To', 'Call-ID', 'Route'])
        expect(valuesOf(cancel, name)).toEqual(valuesOf(invite, name));
      expect(valuesOf(cancel, 'Via')).toEqual(valuesOf(invite, 'Via').slice(0, 1));
      expect([valuesOf(cancel, 'CSeq'), valuesOf(cancel, 'Record-Route')]).toEqual([['1 CANCEL'], []]);
    },
  },
  {
    id: '16.10-2',
    says: 'subject to receiving a provisional response to that request as described in section 9.1',
    shows: async () => {
      const world = await forwarded();
      world.again({ method: 'CANCEL' });
      expect(methods(world.callee)).toEqual(['INVITE']);
      world.answer(world.callee.sent[0], 100);
      expect(methods(world.callee)).toEqual(['INVITE', 'CANCEL']);
    },
  },
  {
    id: '16.10-3',
    says: 'If a matching response context is found, the element MUST immediately return a 200 (OK) response to the CANCEL request.',
    shows: async () => {
      const world = await forwarded();
      const { taken, transaction } = world.takes({ method: 'CANCEL' });
      expect([taken, transaction.status]).toEqual([true, 200]);
      // The callee's own 200 is for us.
      world.answer(world.callee.sent[0], 180);
      world.answer(world.callee.sent[1], 200, { cseqMethod: 'CANCEL' });
      expect(heard(world.caller)).toEqual([]);
    },
  },
  {
    id: '16.10-4',
    says: 'the element MUST generate CANCEL requests for all pending client transactions in the context',
    when: 'nobody answers at all: 487 after 32 s, and no other server is tried',
    shows: async () => {
      const dns = zoneDns({
        srv: { '_sip._udp.example.com': [srv('0 0 5062 a.example'), srv('1 0 5063 a.example')] },
        a: { 'a.example': ['192.0.2.7'] },
      });
      const world = new ForwardWorld({ dns });
      await world.forward({ uri: 'sip:bob@example.com' });
      world.again({ method: 'CANCEL', uri: 'sip:bob@example.com' });
      for (let second = 0; second < 32; second += 1) {
        world.clock.advance(1000);
        await settled();
      }
      expect(heard(world.caller)).toEqual(['100 Trying', '487 Request Terminated']);
      expect(world.flow('udp', '192.0.2.7', 5063).sent).toEqual([]);
    },
  },
  {
    id: '16.10-5',
    says: 'While a CANCEL request is handled in a stateful proxy by its own server transaction, a new response context is not created for it.',
    shows: async () => {
      const world = await forwarded();
      world.answer(world.callee.sent[0], 200);
      expect(world.again({ method: 'CANCEL' })).toBe(true);
      expect(methods(world.callee)).toEqual(['INVITE']);
    },
  },
  ...(
    [
      ['for nothing', { callId: 'other' }],
      ['with another branch', { vias: [DEFAULT_VIA.replace('bKa1', 'bKa2')] }],
    ] as const
  ).map(([when, given], index) => ({
    id: `16.10-6.${index + 1}`,
    says: 'If a response context is not found, the element does not have any knowledge of the request to apply the CANCEL to. It MUST statelessly forward the CANCEL request',
    when,
    fails:
      'a CANCEL can not be challenged (§22.1): forwarding it would be to relay for strangers; it gets 481',
    shows: async () => {
      const world = await forwarded();
      world.again({ method: 'CANCEL', ...given });
      expect(methods(world.callee)).toEqual(['INVITE', 'CANCEL']);
    },
  })),
]);
