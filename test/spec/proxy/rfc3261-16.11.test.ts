// RFC 3261 §16.11, the stateless proxy, sentence by sentence: the forwarder with no memory, as it is when its tables are full.
import { expect } from 'vitest';
import { parseBranch } from '../../../src/proxy/branch.ts';
import type { Dns } from '../../../src/runtime/dns.ts';
import { clause } from '../../support/clause.ts';
import { DEFAULT_VIA, type GivenRequest } from '../../support/forward-messages.ts';
import { ForwardWorld, settled, startOf, valuesOf, type WorldOptions } from '../../support/forward-world.ts';
import { gets, openOffice } from '../../support/office.ts';

const stateless = (options: WorldOptions = {}): ForwardWorld => new ForwardWorld({ max: 0, ...options });
const branchOf = (sent: string | undefined): string =>
  /branch=([^;]*)/.exec(valuesOf(sent, 'Via')[0] ?? '')?.[1] ?? '';
/** The first component of the branch: what names the transaction. */
const firstOf = (sent: string): string => parseBranch(branchOf(sent))?.transaction ?? '';
/** What goes out for a request; a fresh forwarder each time, so nothing can be remembered. */
const sentFor = async (given: GivenRequest, routes: readonly string[] = []): Promise<string> => {
  const world = stateless();
  await world.forward(given, routes);
  const sent = [...world.flows.values()].flatMap((flow) => flow.sent);
  expect(sent).toHaveLength(1);
  return sent[0] ?? '';
};
const refused = async (given: GivenRequest, status: number): Promise<void> => {
  const world = stateless();
  const { transaction } = await world.forward(given);
  expect(transaction.status).toBe(status);
  expect([...world.flows.values()].flatMap((flow) => flow.sent)).toEqual([]);
};
/** An answer with these Vias, to a forwarder that remembers nothing of its request. */
const answered = async (change: (vias: readonly string[]) => readonly string[], body?: string) => {
  const world = stateless();
  await world.forward({});
  const vias = change(valuesOf(world.callee.sent[0], 'Via'));
  world.restarted();
  world.answer(world.callee.sent[0], 200, { vias, ...(body === undefined ? {} : { body }) });
  await settled();
  return [...world.flows.values()].filter((flow) => flow !== world.callee).flatMap((flow) => flow.sent);
};
const TWO: Partial<Dns> = {
  addresses: async () => ({ kind: 'found', records: ['192.0.2.7', '192.0.2.8'] }),
};
const OLD_VIA = 'SIP/2.0/UDP 192.0.2.50:5070';

clause('RFC 3261 §16.11 Stateless Proxy', [
  {
    id: '16.11-1',
    says: 'a proxy is a simple message forwarder … takes messages, both requests and responses, directly from the transport layer',
    shows: async () => {
      const sent = await sentFor({ rows: ['X-Any: thing', 'Identity: "abc"'] });
      expect([valuesOf(sent, 'X-Any'), valuesOf(sent, 'Identity')]).toEqual([['thing'], ['"abc"']]);
    },
  },
  {
    id: '16.11-2',
    says: 'As a result, stateless proxies do not retransmit messages on their own.',
    shows: async () => {
      const world = stateless();
      await world.forward({});
      world.clock.advance(60_000);
      expect(world.callee.sent).toHaveLength(1);
    },
  },
  {
    id: '16.11-3',
    says: 'They do, however, forward all retransmissions they receive',
    shows: async () => {
      const world = stateless();
      await world.forward({});
      await world.forward({});
      expect(world.callee.sent).toHaveLength(2);
    },
  },
  {
    id: '16.11-4',
    says: 'when handling a request statelessly, an element MUST NOT generate its own 100 (Trying) or any other provisional response',
    shows: async () => {
      const world = stateless();
      const { transaction } = await world.forward({});
      world.clock.advance(1000);
      expect([transaction.replies, world.caller.sent]).toEqual([[], []]);
    },
  },
  ...(
    [
      ['Max-Forwards', { maxForwards: 0 }, 483],
      ['Reasonable Syntax', { uri: 'sip:bob@' }, 400],
    ] as const
  ).map(([when, given, status], index) => ({
    id: `16.11-${5 + index}`,
    says: 'A stateless proxy MUST validate a request as described in Section 16.3',
    when,
    shows: () => refused(given, status),
  })),
  {
    id: '16.11-7',
    says: 'A stateless proxy MUST validate a request as described in Section 16.3',
    when: 'Proxy-Require, URI scheme and Proxy-Authorization, before the forwarder sees it',
    shows: async () => {
      const office = await openOffice();
      const phone = await office.phone();
      const uri = 'sip:x@192.0.2.9:5062';
      await gets(phone, { uri, headers: ['Proxy-Require: nope'] }, 420, { Unsupported: /^nope$/ });
      await gets(phone, { uri: 'isbn:2983792873' }, 416);
      await gets(phone, { uri }, 407);
      await gets(phone, { uri, maxForwards: 0 }, 483);
      await office.close();
    },
  },
  {
    id: '16.11-8',
    says: 'A stateless proxy MUST validate a request as described in Section 16.3',
    when: 'an optional loop check',
    shows: async () => {
      const world = stateless();
      await world.forward({});
      const vias = ['SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKp1', ...valuesOf(world.callee.sent[0], 'Via')];
      expect((await world.forward({ vias })).transaction.status).toBe(482);
    },
  },
  {
    id: '16.11-9',
    says: 'A stateless proxy MUST follow the request processing steps described in Sections 16.4 through 16.5',
    when: 'its own Route value is gone before the forwarder sees it (route-decision.test.ts); the next one is where it goes',
    shows: async () => {
      const sent = await sentFor({ uri: 'sip:bob@192.0.2.99' }, ['<sip:192.0.2.7:5062;lr>']);
      expect([startOf(sent), valuesOf(sent, 'Route')]).toEqual([
        'INVITE sip:bob@192.0.2.99 SIP/2.0',
        ['<sip:192.0.2.7:5062;lr>'],
      ]);
    },
  },
  {
    id: '16.11-10',
    says: 'A stateless proxy MUST choose one and only one target from the target set. This choice MUST only rely on fields in the message and time-invariant properties of the server.',
    shows: async () => {
      const world = stateless({ dns: TWO });
      await world.forward({ uri: 'sip:bob@example.com:5062' });
      expect([...world.flows.values()].flatMap((flow) => flow.sent)).toHaveLength(1);
    },
  },
  {
    id: '16.11-11',
    says: 'In particular, a retransmitted request MUST be forwarded to the same destination each time it is processed.',
    shows: async () => {
      const world = stateless({ dns: TWO });
      for (let round = 0; round < 10; round += 1) {
        world.restarted();
        await world.forward({ uri: 'sip:bob@example.com:5062' });
      }
      expect([...world.flows.values()].map((flow) => flow.sent.length).filter((count) => count > 0)).toEqual([
        10,
      ]);
    },
  },
  {
    id: '16.11-12',
    says: 'CANCEL and non-Routed ACK requests MUST generate the same choice as their associated INVITE',
    fails:
      'without memory there is nothing that says whose CANCEL or ACK it is: it goes no further, for we are no relay for strangers, and neither may be challenged; with memory it follows its INVITE',
    shows: async () => {
      const world = stateless();
      await world.forward({});
      expect(world.again({ method: 'CANCEL' })).toBe(true);
    },
  },
  {
    id: '16.11-13',
    says: 'The requirement for unique branch IDs across space and time applies to stateless proxies as well.',
    shows: async () => {
      const branches = new Set<string>();
      for (let n = 0; n < 50; n += 1)
        branches.add(branchOf(await sentFor({ vias: [`${OLD_VIA};branch=z9hG4bKa${n}`] })));
      expect(branches.size).toBe(50);
      for (const branch of branches) expect(branch).toMatch(/^z9hG4bK./);
    },
  },
  {
    id: '16.11-14',
    says: 'the component of the branch parameter that makes it unique MUST be the same each time a retransmitted request is forwarded … the branch parameter MUST be computed as a combinatoric function of message parameters which are invariant on retransmission',
    shows: async () => expect(branchOf(await sentFor({}))).toBe(branchOf(await sentFor({}))),
  },
  {
    id: '16.11-15',
    says: 'The stateless proxy MAY use any technique it likes to guarantee uniqueness of its branch IDs across transactions. However, the following procedure is RECOMMENDED.',
    notOurs: 'a MAC instead of a bare hash, so that nobody else can make an answer that passes for one to us',
  },
  {
    id: '16.11-16',
    says: 'If it begins with the magic cookie, the first component of the branch ID of the outgoing request is computed as a hash of the received branch ID.',
    shows: async () => {
      const other = await sentFor({ vias: [DEFAULT_VIA.replace('bKa1', 'bKa2')] });
      expect(branchOf(other)).not.toBe(branchOf(await sentFor({})));
    },
  },
  ...(
    [
      ['the topmost Via', { vias: ['SIP/2.0/UDP 192.0.2.51:5070'] }],
      ['the tag in the To header field', { to: '<sip:bob@example.com>;tag=t2' }],
      ['the tag in the From header field', { from: '<sip:alice@biloxi.com>;tag=f2' }],
      ['the Call-ID header field', { callId: 'c2' }],
      ['the CSeq number', { cseq: 77 }],
      ['the Request-URI', { uri: 'sip:carol@192.0.2.7:5062' }],
    ] as const
  ).map(([when, other], index) => ({
    id: `16.11-${17 + index}`,
    says: 'Otherwise, the first component of the branch ID is computed as a hash of the topmost Via, the tag in the To header field, the tag in the From header field, the Call-ID header field, the CSeq number (but not method), and the Request-URI from the received request.',
    when,
    ...('to' in other
      ? { fails: 'the ACK of a refusal has a To tag that its INVITE had not, and shall have the same branch' }
      : {}),
    shows: async () => {
      const old = { vias: [OLD_VIA] };
      expect(firstOf(await sentFor(old))).toBe(firstOf(await sentFor(old)));
      expect(firstOf(await sentFor({ ...old, ...other }))).not.toBe(firstOf(await sentFor(old)));
    },
  })),
  {
    id: '16.11-23',
    says: 'All other message transformations specified in Section 16.6 MUST result in the same transformation of a retransmitted request. … if the proxy inserts a Record-Route value or pushes URIs into the Route header field, it MUST place the same values in retransmissions of the request. … the transformations MUST be based on time-invariant configuration or retransmission-invariant properties of the request',
    shows: async () => expect(await sentFor({})).toBe(await sentFor({})),
  },
  {
    id: '16.11-24',
    says: 'A stateless proxy MUST follow the request processing steps described in Section 16.6',
    when: 'Max-Forwards, Record-Route, Via',
    shows: async () => {
      const sent = await sentFor({});
      expect(valuesOf(sent, 'Max-Forwards')).toEqual(['69']);
      expect(valuesOf(sent, 'Record-Route')).toEqual([
        expect.stringMatching(/^<sip:d1\.[^@]+@192\.0\.2\.1:5060;lr>$/),
      ]);
      expect(valuesOf(sent, 'Via').slice(1)).toEqual([DEFAULT_VIA]);
    },
  },
  {
    id: '16.11-25',
    says: 'A stateless proxy determines where to forward the request as described for stateful proxies in Section 16.6 Item 10. The request is sent directly to the transport layer instead of through a client transaction.',
    shows: async () => {
      const world = stateless();
      const { outcome } = await world.forward({ uri: 'sip:bob@192.0.2.7:5062;transport=tcp' });
      expect(outcome).toEqual({
        kind: 'sent',
        hop: expect.objectContaining({ transport: 'tcp', host: '192.0.2.7', port: 5062 }),
      });
    },
  },
  {
    id: '16.11-26',
    says: 'it can only use information from the message itself and time-invariant configuration data for those calculations … any requests that could be affected by the change may not be forwarded statelessly during an interval',
    notOurs:
      'what changes is DNS: where its answer changed meanwhile a forwarder without memory cannot know; with memory a retransmission goes where the first went',
  },
  {
    id: '16.11-27',
    says: 'Stateless proxies MUST NOT perform special processing for CANCEL requests.',
    fails: 'as 16.11-12: a CANCEL of nothing that we remember is no business of ours',
    shows: async () => expect(stateless().again({ method: 'CANCEL' })).toBe(true),
  },
  {
    id: '16.11-28',
    says: 'the proxy MUST inspect the sent-by value in the first (topmost) Via header field value. If that address matches the proxy, (it equals a value this proxy has inserted into previous requests) the proxy MUST remove that header field value from the response and forward the result to the location indicated in the next Via header field value',
    shows: async () => {
      const [sent, ...more] = await answered((vias) => vias);
      expect([startOf(sent), valuesOf(sent, 'Via'), more]).toEqual(['SIP/2.0 200 Reason', [DEFAULT_VIA], []]);
    },
  },
  {
    id: '16.11-29',
    says: 'The proxy MUST NOT add to, modify, or remove the message body.',
    shows: async () => {
      const [sent = ''] = await answered((vias) => vias, 'v=0\r\n\0\xff');
      expect(sent.slice(sent.indexOf('\r\n\r\n') + 4)).toBe('v=0\r\n\0\xff');
    },
  },
  {
    id: '16.11-30',
    says: 'Unless specified otherwise, the proxy MUST NOT remove any other header field values.',
    shows: async () => {
      const [sent] = await answered((vias) => [...vias, 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKdeep']);
      expect(valuesOf(sent, 'Via')).toEqual([DEFAULT_VIA, 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKdeep']);
    },
  },
  ...(
    [
      ['no Via of ours', (vias: readonly string[]) => vias.slice(1)],
      ['nothing below it', (vias: readonly string[]) => vias.slice(0, 1)],
      [
        'a branch that we never made',
        ([, ...below]: readonly string[]) => ['SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx', ...below],
      ],
      [
        'the address of another',
        ([top = '', ...below]: readonly string[]) => [top.replace('192.0.2.1', '192.0.2.2'), ...below],
      ],
      [
        'aimed elsewhere',
        ([top = '', low = '']: readonly string[]) => [
          top,
          low.replace(/received=[^;]*/, 'received=203.0.113.9'),
        ],
      ],
    ] as const
  ).map(([when, change], index) => ({
    id: `16.11-${31 + index}`,
    says: 'If the address does not match the proxy, the message MUST be silently discarded.',
    when,
    shows: async () => expect(await answered(change)).toEqual([]),
  })),
]);
