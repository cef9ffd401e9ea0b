// RFC 3263 §4.3 and §4.4, what is done when a server fails, and what a stateless proxy has to see to, sentence by sentence.
import { describe, expect, test } from 'vitest';
import { clause } from '../../support/clause.ts';
import type { FakeFlow } from '../../support/forward-fakes.ts';
import type { GivenRequest } from '../../support/forward-messages.ts';
import { ForwardWorld, settled, startOf, valuesOf, type WorldOptions } from '../../support/forward-world.ts';
import { srv, zoneDns } from '../../support/zone-dns.ts';

const D = 'example.com';
const URI = `sip:bob@${D}`;

/** Two servers over one transport: 192.0.2.7 and then 192.0.2.8. */
const world = (transport: 'udp' | 'tcp', options: WorldOptions = {}): ForwardWorld =>
  new ForwardWorld({
    dns: zoneDns({
      srv: {
        [`_sip._${transport}.${D}`]: [srv('0 0 5062 one.example.com'), srv('1 0 5062 two.example.com')],
      },
      a: { 'one.example.com': ['192.0.2.7'], 'two.example.com': ['192.0.2.8'] },
    }),
    ...options,
  });

const one = (at: ForwardWorld, transport: 'udp' | 'tcp' = 'udp'): FakeFlow =>
  at.flow(transport, '192.0.2.7', 5062);
const two = (at: ForwardWorld, transport: 'udp' | 'tcp' = 'udp'): FakeFlow =>
  at.flow(transport, '192.0.2.8', 5062);
const methodsTo = ({ sent }: FakeFlow): readonly string[] => sent.map((text) => text.split(' ', 1).join(''));
const viaOf = (text: string | undefined): string => valuesOf(text, 'Via')[0] ?? '';

const silence = async (at: ForwardWorld, ms: number): Promise<void> => {
  at.clock.advance(ms);
  await settled();
};

/** Asks for `given`, and lets the first server be silent: the second has it. */
const moved = async (given: GivenRequest = {}): Promise<ForwardWorld> => {
  const at = world('udp');
  await at.forward({ uri: URI, ...given });
  await silence(at, 3500);
  return at;
};

clause('RFC 3263 §4.3 Details of RFC 2782 Process', [
  {
    id: '4.3-1',
    says: 'failure occurs if the transaction layer reports a 503 error response',
    shows: async () => {
      const at = world('udp');
      await at.forward({ uri: URI });
      at.answer(one(at).sent[0], 503);
      await settled();
      expect([methodsTo(one(at)), methodsTo(two(at))]).toEqual([['INVITE', 'ACK'], ['INVITE']]);
      expect(at.caller.sent).toEqual([]);
    },
  },
  {
    id: '4.3-1b',
    says: 'failure occurs if the transaction layer reports a 503 error response',
    when: 'of anything but an INVITE: without an ACK',
    shows: async () => {
      const at = world('udp');
      await at.forward({ uri: URI, method: 'MESSAGE' });
      at.answer(one(at).sent[0], 503, { cseqMethod: 'MESSAGE' });
      await settled();
      expect([methodsTo(one(at)), methodsTo(two(at))]).toEqual([['MESSAGE'], ['MESSAGE']]);
    },
  },
  {
    id: '4.3-1c',
    says: 'failure occurs if the transaction layer reports a 503 error response',
    when: 'after ringing too',
    shows: async () => {
      const at = world('udp');
      await at.forward({ uri: URI });
      at.answer(one(at).sent[0], 180);
      at.answer(one(at).sent[0], 503);
      await settled();
      expect(methodsTo(two(at))).toEqual(['INVITE']);
    },
  },
  {
    id: '4.3-1d',
    says: 'failure occurs if the transaction layer reports a 503 error response',
    when: 'no other error is one: it is the answer',
    shows: async () => {
      for (const status of [302, 404, 486, 500, 504, 600]) {
        const at = world('udp');
        await at.forward({ uri: URI });
        at.answer(one(at).sent[0], status);
        await settled();
        expect([methodsTo(two(at)), at.caller.sent.map(startOf)]).toEqual([[], [`SIP/2.0 ${status} Reason`]]);
      }
    },
  },
  {
    id: '4.3-2',
    says: 'or a transport failure of some sort (generally, due to fatal ICMP errors in UDP or connection failures in TCP)',
    when: 'no connection',
    shows: async () => {
      const at = world('tcp');
      at.unreachable.add('tcp 192.0.2.7 5062');
      await at.forward({ uri: URI });
      expect(methodsTo(two(at, 'tcp'))).toEqual(['INVITE']);
    },
  },
  {
    id: '4.3-2b',
    says: 'or a transport failure of some sort',
    when: 'the connection closes before an answer',
    shows: async () => {
      const at = world('tcp');
      await at.forward({ uri: URI });
      one(at, 'tcp').open = false;
      await silence(at, 500);
      expect(methodsTo(two(at, 'tcp'))).toEqual(['INVITE']);
    },
  },
  {
    id: '4.3-2c',
    says: 'due to fatal ICMP errors in UDP',
    when: 'unconnected sockets do not hear of them: the silence after them counts',
    shows: async () => expect(methodsTo(two(await moved()))).toEqual(['INVITE']),
  },
  {
    id: '4.3-3',
    says: 'Failure also occurs if the transaction layer times out without ever having received any response, provisional or final (i.e., timer B or timer F in RFC 3261 [1] fires).',
    when: 'earlier, after 3.5 s, while there is somebody to wait for it',
    shows: async () => {
      for (const method of ['INVITE', 'MESSAGE']) {
        const at = world('udp');
        await at.forward({ uri: URI, method });
        await silence(at, 3499);
        expect(methodsTo(two(at))).toEqual([]);
        await silence(at, 1);
        expect(methodsTo(two(at))).toEqual([method]);
      }
    },
  },
  {
    id: '4.3-3b',
    says: 'Failure also occurs if the transaction layer times out',
    when: 'exactly when timer B or F fires, and not before',
    fails:
      'our caller gives up at the same 32 s, so a second server would be asked for nobody (docs/adr/0015-failover.md)',
    shows: async () => {
      const at = world('udp');
      await at.forward({ uri: URI });
      await silence(at, 31_999);
      expect(methodsTo(two(at))).toEqual([]);
    },
  },
  {
    id: '4.3-3c',
    says: 'without ever having received any response, provisional or final',
    when: 'after a 100 it is waited for',
    shows: async () => {
      const at = world('udp');
      await at.forward({ uri: URI });
      at.answer(one(at).sent[0], 100);
      await silence(at, 60_000);
      expect(methodsTo(two(at))).toEqual([]);
    },
  },
  {
    id: '4.3-4',
    says: 'If a failure occurs, the client SHOULD create a new request, which is identical to the previous, but has a different value of the Via branch ID than the previous (and therefore constitutes a new SIP transaction).',
    shows: async () => {
      const at = await moved({ rows: ['Identity: abc', 'X-Odd: 1'], body: 'v=0\r\n' });
      const [first = '', second = ''] = [one(at).sent[0], two(at).sent[0]];
      expect(viaOf(second)).not.toBe(viaOf(first));
      expect(second.replace(viaOf(second), '')).toBe(first.replace(viaOf(first), ''));
    },
  },
  {
    id: '4.3-5',
    says: 'That request is sent to the next element in the list as specified by RFC 2782.',
    when: 'it is asked as often as the first, and silence there ends in 408',
    shows: async () => {
      const at = await moved();
      await silence(at, 28_500);
      expect(methodsTo(two(at))).toEqual(['INVITE', 'INVITE', 'INVITE', 'INVITE', 'INVITE', 'INVITE']);
      expect(at.caller.sent.map(startOf)).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 408 Request Timeout']);
    },
  },
]);

clause('RFC 3263 §4.4 Consideration for Stateless Proxies', [
  {
    id: '4.4-1',
    says: 'all retransmissions of the request for the transaction, as well as ACK for a non-2xx final response, and CANCEL requests for that transaction, MUST go to the same server',
    when: 'to the second one once the first has failed',
    shows: async () => {
      const at = await moved();
      at.answer(two(at).sent[0], 180, {}, two(at));
      at.again({ uri: URI });
      at.again({ uri: URI, method: 'CANCEL' });
      at.answer(two(at).sent[0], 487, {}, two(at));
      at.again({ uri: URI, method: 'ACK', to: '<sip:bob@example.com>;tag=b1' });
      expect(methodsTo(two(at))).toEqual(['INVITE', 'INVITE', 'CANCEL', 'ACK']);
      const branches = two(at).sent.map(viaOf);
      expect(new Set(branches).size).toBe(1);
    },
  },
  {
    id: '4.4-2',
    says: 'Whenever the stateless proxy receives the request, it performs the appropriate DNS queries as described above.',
    shows: async () => {
      const at = world('udp', { max: 0 });
      await at.forward({ uri: URI });
      await at.forward({ uri: URI });
      expect(one(at).sent).toEqual([one(at).sent[0], one(at).sent[0]]);
    },
  },
  {
    id: '4.4-3',
    says: 'The stateless proxy MUST define a deterministic order to the records in that case, using any algorithm at its disposal.',
    when: 'the same for one transaction after a restart, spread over many',
    shows: async () => {
      const records = ['a', 'b', 'c', 'd'].map((name) => srv(`0 0 5062 ${name}.example.com`));
      const a = Object.fromEntries(
        ['a', 'b', 'c', 'd'].map((name, n) => [`${name}.example.com`, [`192.0.2.${70 + n}`]]),
      );
      const firstOf = async (at: ForwardWorld, callId: string): Promise<string> => {
        const before = at.asked.length;
        await at.forward({ uri: URI, callId });
        return at.asked.slice(before).find(({ host }) => host.startsWith('192.0.2.7'))?.host ?? '';
      };
      const calls = Array.from({ length: 20 }, (_, n) => `call-${n}`);
      const order = (list: typeof records) =>
        new ForwardWorld({ dns: zoneDns({ srv: { [`_sip._udp.${D}`]: list }, a }) });
      const [before, after] = [order(records), order(records.toReversed())];
      const seen: string[] = [];
      for (const callId of calls) {
        seen.push(await firstOf(before, callId));
        expect(await firstOf(after, callId)).toBe(seen.at(-1));
      }
      expect(new Set(seen).size).toBeGreaterThan(1);
    },
  },
  {
    id: '4.4-4',
    says: 'it is RECOMMENDED that domain administrators make the weights of SRV records with equal priority different',
    notOurs: 'a rule for who writes the zone',
  },
  {
    id: '4.4-5',
    says: 'If the first server is contacted successfully, the proxy can remain stateless.',
    when: 'state is held until then: whether it is, only an answer tells',
    shows: async () => {
      const at = world('udp');
      await at.forward({ uri: URI });
      at.answer(one(at).sent[0], 180);
      // A stateless proxy passes what comes, and repeats nothing by itself.
      await silence(at, 31_000);
      expect(methodsTo(one(at))).toEqual(['INVITE']);
    },
  },
  {
    id: '4.4-6',
    says: 'whenever a proxy does not successfully contact the first server, it SHOULD act as a stateful proxy',
    shows: async () => {
      const at = await moved();
      at.again({ uri: URI });
      // The caller's retransmission joins: it is neither sent to the first server nor doubled at the second.
      expect([one(at).sent.length, two(at).sent.length]).toEqual([4, 1]);
    },
  },
  {
    id: '4.4-7',
    says: 'it is still possible for a stateless proxy to deliver retransmissions to different servers … This can happen if the DNS TTLs expire in the middle of a transaction',
    notOurs: 'a remark; what is held is not asked for again',
  },
]);

describe('a server that was left for another', () => {
  test('and rings late gets a CANCEL, and what it then refuses its ACK; the caller hears of the other alone', async () => {
    const at = await moved();
    at.answer(one(at).sent[0], 180);
    expect(methodsTo(one(at)).slice(-1)).toEqual(['CANCEL']);
    at.answer(one(at).sent.at(-1), 200, { cseqMethod: 'CANCEL' });
    at.answer(one(at).sent[0], 487);
    expect(methodsTo(one(at)).slice(-1)).toEqual(['ACK']);
    at.answer(two(at).sent[0], 200, {}, two(at));
    expect(at.caller.sent.map(startOf)).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 200 Reason']);
  });

  test('and takes the call all the same has it: the 200 goes through, and the other is cancelled (RFC 3261 §16.7 step 5)', async () => {
    const at = await moved();
    at.answer(two(at).sent[0], 180, {}, two(at));
    at.answer(one(at).sent[0], 200);
    expect(methodsTo(two(at))).toEqual(['INVITE', 'CANCEL']);
    at.answer(two(at).sent[0], 487, {}, two(at));
    expect(methodsTo(two(at)).slice(-1)).toEqual(['ACK']);
    expect(at.caller.sent.map(startOf).slice(1)).toEqual(['SIP/2.0 180 Reason', 'SIP/2.0 200 Reason']);
  });

  test('and answers something else than an INVITE has answered it, once', async () => {
    const at = await moved({ method: 'MESSAGE' });
    at.answer(one(at).sent[0], 202, { cseqMethod: 'MESSAGE' });
    at.answer(two(at).sent[0], 202, { cseqMethod: 'MESSAGE' }, two(at));
    expect(at.caller.sent.map(startOf)).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 202 Reason']);
  });

  test('is tried last for half a minute, and first again after it', async () => {
    const at = await moved();
    at.answer(two(at).sent[0], 486, {}, two(at));
    await at.forward({ uri: URI, callId: 'call-2' });
    expect(methodsTo(two(at))).toEqual(['INVITE', 'INVITE']);
    at.clock.advance(30_000);
    await at.forward({ uri: URI, callId: 'call-3' });
    expect(one(at).sent.at(-1)).toContain('call-3');
  });

  test('is tried all the same where there is no other', async () => {
    const at = await moved();
    at.answer(two(at).sent[0], 503, { rows: ['Retry-After: 120'] }, two(at));
    await settled();
    expect(at.caller.sent.map(startOf).at(-1)).toBe('SIP/2.0 500 Next Hop Unreachable');
    await at.forward({ uri: URI, callId: 'call-2' });
    expect(one(at).sent.at(-1)).toContain('call-2');
  });
});

describe('two servers that both take nothing', () => {
  test.each([
    ['MESSAGE', ['SIP/2.0 100 Trying']],
    ['INVITE', ['SIP/2.0 100 Trying', 'SIP/2.0 408 Request Timeout']],
  ])('%s: %s', async (method, heard) => {
    const at = await moved({ method });
    await silence(at, 60_000);
    expect(at.caller.sent.map(startOf).filter((text, n, all) => all.indexOf(text) === n)).toEqual(heard);
  });

  test('are told in the log, with the last of them', async () => {
    const at = await moved();
    await silence(at, 60_000);
    expect(at.lines).toEqual([
      { method: 'INVITE', callId: 'call-1', to: 'udp:192.0.2.8:5062', why: 'no answer' },
    ]);
  });

  test('leave no timer behind', async () => {
    const at = await moved();
    await silence(at, 40_000);
    at.again({ uri: URI, method: 'ACK', to: '<sip:bob@example.com>;tag=x' });
    expect(at.retransmitter.size).toBe(0);
  });
});
