// RFC 3261 §17.2, server transactions, sentence by sentence over real sockets, with the transaction user in the test's hand.
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect } from 'vitest';
import type { ServerTransaction } from '../../../src/sip/types.ts';
import { clause } from '../../support/clause.ts';
import { parseAnswer, type SipAnswer } from '../../support/sip-client.ts';
import type { UdpPeer } from '../../support/sip-peers.ts';
import { type RequestText, requestText } from '../../support/sip-request.ts';
import { type SipWorld, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
let phone: UdpPeer;
/** What was passed to the transaction user, in order. */
let passed: ServerTransaction[];

beforeEach(async () => {
  world = await sipWorld();
  phone = await world.udpPeer();
  passed = [];
  const take = (transaction: ServerTransaction): Promise<void> => {
    passed.push(transaction);
    return new Promise(() => undefined);
  };
  for (const method of ['INVITE', 'REGISTER', 'ACK'] as const) world.server.handle(method, take);
});
afterEach(() => world.close());

const via = (branch = 'z9hG4bKone') => `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=${branch}`;
const send = (given: RequestText = {}): void => phone.send(requestText({ via: via(), ...given }), world.udp);
const next = async (): Promise<SipAnswer> => parseAnswer((await phone.next()).text);
const statuses = async (count: number): Promise<readonly number[]> => {
  const all: number[] = [];
  while (all.length < count) all.push((await next()).status);
  return all;
};
let fences = 0;
/** Whatever comes next, at the latest the answer to a question that is sent now. */
const nextOrFence = async (): Promise<SipAnswer | 'nothing'> => {
  fences += 1;
  const callId = `fence-${fences}`;
  send({ method: 'OPTIONS', uri: 'sip:example.com', via: via(`z9hG4bK${callId}`), callId });
  const answer = await next();
  return answer.header('Call-ID')[0] === callId ? 'nothing' : answer;
};
/** Everything sent before has been looked at, and nothing came. */
const quiet = async (): Promise<void> => expect(await nextOrFence()).toBe('nothing');
/** Lets sockets have their turn until `holds`. */
const until = async (holds: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 10_000 && !holds(); turn += 1) await new Promise((go) => setImmediate(go));
  expect(holds()).toBe(true);
};
/** A request, once the transaction user has it. */
const begun = async (given: RequestText = {}): Promise<ServerTransaction> => {
  send(given);
  await quiet();
  const last = passed.at(-1);
  if (last === undefined) throw new Error('nothing was passed on');
  return last;
};
/** An INVITE that had its 100 and then `status`, whose answer is read. */
const completed = async (status: number): Promise<SipAnswer> => {
  const transaction = await begun();
  world.clock.advance(200);
  await next();
  transaction.reply({ status });
  return next();
};
/** The final answer comes again after each of these intervals, and not a millisecond before. */
const repeatedAfter = async (intervalsMs: readonly number[], status: number): Promise<void> => {
  for (const intervalMs of intervalsMs) {
    world.clock.advance(intervalMs - 1);
    await quiet();
    world.clock.advance(1);
    expect((await next()).status).toBe(status);
  }
};
const tagOf = (answer: SipAnswer): string => /;tag=(\w+)/.exec(answer.header('To')[0] ?? '')?.[1] ?? '';
/** An INVITE over TCP that had its 100 and then a 486. */
const completedOverTcp = async () => {
  const stream = await world.tcpPeer();
  stream.send(requestText({ via: 'SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKtcp' }));
  await until(() => passed.length === 1);
  world.clock.advance(200);
  await stream.until(/^SIP\/2\.0 100 /);
  passed[0]?.reply({ status: 486 });
  await stream.until(/^SIP\/2\.0 486 /m);
  return stream;
};

clause('RFC 3261 §17.2 Server Transaction', [
  {
    id: '17.2.1-1',
    says: 'The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will generate a provisional or final response within 200 ms, in which case it MAY generate a 100 (Trying) response.',
    shows: async () => {
      await begun();
      world.clock.advance(199);
      await quiet();
      world.clock.advance(1);
      expect((await next()).status).toBe(100);
    },
  },
  {
    id: '17.2.1-2',
    says: 'the insertion of tags in the To header field of the response (when none was present in the request) is downgraded from MAY to SHOULD NOT',
    shows: async () => {
      await begun();
      world.clock.advance(200);
      expect((await next()).header('To')).toEqual(['<sip:bob@example.com>']);
    },
  },
  {
    id: '17.2.1-3',
    says: 'The request MUST be passed to the TU.',
    shows: async () => expect((await begun({ callId: 'passed' })).request.callId).toBe('passed'),
  },
  {
    id: '17.2.1-4',
    says: 'So long as the server transaction is in the "Proceeding" state, each of these MUST be passed to the transport layer for transmission.',
    shows: async () => {
      const transaction = await begun();
      for (const status of [180, 183, 182]) transaction.reply({ status });
      expect(await statuses(3)).toEqual([180, 183, 182]);
    },
  },
  {
    id: '17.2.1-5',
    says: 'the most recent provisional response that was received from the TU MUST be passed to the transport layer for retransmission',
    shows: async () => {
      const transaction = await begun();
      transaction.reply({ status: 180 });
      transaction.reply({ status: 183 });
      await statuses(2);
      send();
      expect(await statuses(1)).toEqual([183]);
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.1-6',
    says: 'If, while in the "Proceeding" state, the TU passes a 2xx response to the server transaction, the server transaction MUST pass this response to the transport layer for transmission',
    shows: async () => {
      (await begun()).reply({ status: 200 });
      expect(await statuses(1)).toEqual([200]);
    },
  },
  {
    id: '17.2.1-7',
    says: 'It is not retransmitted by the server transaction; retransmissions of 2xx responses are handled by the TU. The server transaction MUST then transition to the "Terminated" state.',
    shows: async () => {
      expect((await completed(200)).status).toBe(200);
      world.clock.advance(40_000);
      await quiet();
    },
  },
  ...[300, 302, 404, 486, 503, 603].map((status, index) => ({
    id: `17.2.1-${8 + index}`,
    says: 'if the TU passes a response with status code from 300 to 699 to the server transaction, the response MUST be passed to the transport layer for transmission, and the state machine MUST enter the "Completed" state',
    when: String(status),
    shows: async () => {
      expect((await completed(status)).status).toBe(status);
      send();
      expect(await statuses(1)).toEqual([status]);
    },
  })),
  {
    id: '17.2.1-14',
    says: 'For unreliable transports, timer G is set to fire in T1 seconds',
    when: 'the caller had a provisional answer, and so stopped repeating its INVITE',
    shows: async () => {
      await completed(486);
      await repeatedAfter([500], 486);
    },
  },
  {
    id: '17.2.1-15',
    says: 'For unreliable transports, timer G is set to fire in T1 seconds',
    when: 'an answer within 200 ms',
    fails:
      'such a caller repeats its INVITE, and that brings the answer; timer G would send eleven datagrams for one to whoever stands in a forged source address',
    shows: async () => {
      (await begun()).reply({ status: 486 });
      await next();
      world.clock.advance(500);
      expect(await nextOrFence()).not.toBe('nothing');
    },
  },
  {
    id: '17.2.1-16',
    says: 'and is not set to fire for reliable transports',
    shows: async () => {
      const stream = await completedOverTcp();
      world.clock.advance(40_000);
      stream.send(
        requestText({ method: 'OPTIONS', uri: 'sip:example.com', via: 'SIP/2.0/TCP x;branch=z9hG4bKo' }),
      );
      await stream.until(/^SIP\/2\.0 200 /m);
      expect(stream.received.match(/^SIP\/2\.0 486 /gm)).toHaveLength(1);
    },
  },
  {
    id: '17.2.1-17',
    says: 'When the "Completed" state is entered, timer H MUST be set to fire in 64*T1 seconds for all transports. Timer H determines when the server transaction abandons retransmitting the response.',
    shows: async () => {
      await completed(486);
      await repeatedAfter([500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000], 486);
      world.clock.advance(60_000);
      await quiet();
    },
  },
  {
    id: '17.2.1-18',
    says: 'If timer G fires, the response is passed to the transport layer once more for retransmission, and timer G is set to fire in MIN(2*T1, T2) seconds. From then on, when timer G fires, the response is passed to the transport again for transmission, and timer G is reset with a value that doubles, unless that value exceeds T2, in which case it is reset with the value of T2.',
    shows: async () => {
      await completed(302);
      await repeatedAfter([500, 1000, 2000, 4000, 4000], 302);
    },
  },
  {
    id: '17.2.1-19',
    says: 'while in the "Completed" state, if a request retransmission is received, the server SHOULD pass the response to the transport for retransmission',
    shows: async () => {
      const transaction = await begun();
      transaction.reply({ status: 404 });
      const first = await next();
      world.clock.advance(31_000);
      send();
      expect((await next()).text).toBe(first.text);
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.1-20',
    says: 'If an ACK is received while the server transaction is in the "Completed" state, the server transaction MUST transition to the "Confirmed" state. As Timer G is ignored in this state, any retransmissions of the response will cease.',
    shows: async () => {
      const answer = await completed(486);
      await repeatedAfter([500], 486);
      send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      world.clock.advance(60_000);
      await quiet();
    },
  },
  {
    id: '17.2.1-21',
    says: 'If timer H fires while in the "Completed" state, it implies that the ACK was never received. In this case, the server transaction MUST transition to the "Terminated" state',
    shows: async () => {
      await completed(486);
      world.clock.advance(32_000);
      await statuses(10);
      world.clock.advance(32_000);
      send();
      await quiet();
      expect(passed).toHaveLength(2);
    },
  },
  {
    id: '17.2.1-22',
    says: 'and MUST indicate to the TU that a transaction failure has occurred',
    notOurs:
      'our transaction users have forgotten a call once it was answered: there is nothing they would do',
  },
  {
    id: '17.2.1-23',
    says: 'The purpose of the "Confirmed" state is to absorb any additional ACK messages that arrive, triggered from retransmissions of the final response.',
    shows: async () => {
      const answer = await completed(486);
      for (let count = 0; count < 3; count += 1) send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.1-24',
    says: 'timer I is set to fire in T4 seconds for unreliable transports, and zero seconds for reliable transports. Once timer I fires, the server MUST transition to the "Terminated" state.',
    when: 'the tag of the ACK shows that it is ours however late',
    shows: async () => {
      const answer = await completed(486);
      send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      world.clock.advance(600_000);
      send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.1-25',
    says: 'Once the transaction is in the "Terminated" state, it MUST be destroyed immediately.',
    shows: async () => {
      const timers = world.clock.timers;
      const answer = await completed(486);
      send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      expect(world.clock.timers).toBe(timers);
    },
  },
  {
    id: '17.2.2-1',
    says: 'This request is passed up to the TU. Once in the "Trying" state, any further request retransmissions are discarded.',
    shows: async () => {
      await begun({ method: 'REGISTER' });
      send({ method: 'REGISTER' });
      await quiet();
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.2-2',
    says: 'The response MUST be passed to the transport layer for transmission. Any further provisional responses that are received from the TU while in the "Proceeding" state MUST be passed to the transport layer for transmission.',
    shows: async () => {
      const transaction = await begun({ method: 'REGISTER' });
      transaction.reply({ status: 100 });
      transaction.reply({ status: 182 });
      expect(await statuses(2)).toEqual([100, 182]);
    },
  },
  {
    id: '17.2.2-3',
    says: 'if the TU passes a provisional response to the server transaction, the server transaction MUST enter the "Proceeding" state … the most recently sent provisional response MUST be passed to the transport layer for retransmission',
    shows: async () => {
      const transaction = await begun({ method: 'REGISTER' });
      transaction.reply({ status: 182 });
      await next();
      send({ method: 'REGISTER' });
      expect(await statuses(1)).toEqual([182]);
    },
  },
  {
    id: '17.2.2-4',
    says: 'the transaction MUST enter the "Completed" state, and the response MUST be passed to the transport layer for transmission',
    shows: async () => {
      const transaction = await begun({ method: 'REGISTER' });
      transaction.reply({ status: 182 });
      transaction.reply({ status: 200 });
      expect(await statuses(2)).toEqual([182, 200]);
    },
  },
  {
    id: '17.2.2-5',
    says: 'it MUST set Timer J to fire in 64*T1 seconds for unreliable transports, and zero seconds for reliable transports … the server transaction MUST pass the final response to the transport layer for retransmission whenever a retransmission of the request is received',
    shows: async () => {
      (await begun({ method: 'REGISTER' })).reply({ status: 200 });
      const first = await next();
      for (let ms = 0; ms < 31_500; ms += 3500) {
        world.clock.advance(3500);
        send({ method: 'REGISTER' });
        expect((await next()).text).toBe(first.text);
      }
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.2-6',
    says: 'the server transaction MUST pass the final response to the transport layer for retransmission whenever a retransmission of the request is received',
    when: 'an answer of more than 2,048 bytes',
    fails:
      'what is kept for a repeated request has a bound; the request is served anew, and its answer is as good',
    shows: async () => {
      const headers = [['Date', 'x'.repeat(2048)]] as const;
      (await begun({ method: 'REGISTER' })).reply({ status: 200, headers });
      await next();
      send({ method: 'REGISTER' });
      expect(await nextOrFence()).not.toBe('nothing');
    },
  },
  {
    id: '17.2.2-7',
    says: 'Any other final responses passed by the TU to the server transaction MUST be discarded while in the "Completed" state.',
    shows: async () => {
      const transaction = await begun({ method: 'REGISTER' });
      transaction.reply({ status: 200 });
      transaction.reply({ status: 500 });
      expect(await statuses(1)).toEqual([200]);
      await quiet();
    },
  },
  {
    id: '17.2.2-8',
    says: 'The server transaction remains in this state until Timer J fires, at which point it MUST transition to the "Terminated" state.',
    shows: async () => {
      (await begun({ method: 'REGISTER' })).reply({ status: 200 });
      await next();
      // Forgotten between 64*T1 and twice that: answers are dropped a generation at a time.
      world.clock.advance(64_000);
      send({ method: 'REGISTER' });
      await quiet();
      expect(passed).toHaveLength(2);
    },
  },
  {
    id: '17.2.2-9',
    says: 'The server transaction MUST be destroyed the instant it enters the "Terminated" state.',
    shows: async () => {
      const timers = world.clock.timers;
      (await begun({ method: 'REGISTER' })).reply({ status: 200 });
      await next();
      expect(world.clock.timers).toBe(timers);
    },
  },
  ...(
    [
      [
        'the branch parameter in the request is equal to the one in the top Via header field of the request that created the transaction',
        {},
        { via: 'z9hG4bKtwo' },
      ],
      [
        'the sent-by value in the top Via of the request is equal to the one in the request that created the transaction',
        {},
        { sentBy: '127.0.0.2' },
      ],
      ['the method of the request matches the one that created the transaction', {}, { method: 'INVITE' }],
    ] as const
  ).map(([says, _, other], index) => ({
    id: `17.2.3-${1 + index}`,
    says,
    shows: async () => {
      const one = { method: 'REGISTER', callId: 'one' };
      await begun(one);
      const differs = {
        ...one,
        callId: 'other',
        ...('method' in other ? { method: other.method } : {}),
        via:
          'via' in other
            ? `${via(other.via)};rport`
            : 'sentBy' in other
              ? `${via().replace('127.0.0.1', other.sentBy)};rport`
              : `${via()};rport`,
      };
      await begun(differs);
      expect(passed).toHaveLength(2);
      // And where all three agree it is the first once more, whatever else differs.
      send({ ...one, cseq: 9, callId: 'else' });
      await quiet();
      expect(passed).toHaveLength(2);
    },
  })),
  {
    id: '17.2.3-4',
    says: 'except for ACK, where the method of the request that created the transaction is INVITE',
    shows: async () => {
      const answer = await completed(486);
      send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      world.clock.advance(60_000);
      await quiet();
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.3-5',
    says: 'This matching rule applies to both INVITE and non-INVITE transactions alike.',
    shows: async () => {
      await begun();
      send();
      await begun({ method: 'REGISTER', via: via('z9hG4bKreg') });
      send({ method: 'REGISTER', via: via('z9hG4bKreg') });
      await quiet();
      expect(passed).toHaveLength(2);
    },
  },
  ...(
    [
      ['Request-URI', { uri: 'sip:carol@example.com' }],
      ['To tag', { toTag: 't2' }],
      ['From tag', { fromTag: 'f2' }],
      ['Call-ID', { callId: 'c2' }],
      ['CSeq', { cseq: 2 }],
    ] as const
  ).flatMap(([when, other], index) =>
    (['INVITE', 'REGISTER'] as const).map((method) => ({
      id: `17.2.3-${6 + index}-${method}`,
      says:
        method === 'INVITE'
          ? 'The INVITE request matches a transaction if the Request-URI, To tag, From tag, Call-ID, CSeq, and top Via header field match those of the INVITE request which created the transaction.'
          : 'a request is matched to a transaction if the Request-URI, To tag, From tag, Call-ID, CSeq (including the method), and top Via header field match those of the request that created the transaction',
      when,
      shows: async () => {
        const old = { via: `SIP/2.0/UDP 127.0.0.1:${phone.local.port}`, method, toTag: 't1' };
        await begun(old);
        send(old);
        await quiet();
        expect(passed).toHaveLength(1);
        await begun({ ...old, ...other });
        expect(passed).toHaveLength(2);
      },
    })),
  ),
  {
    id: '17.2.3-11',
    says: 'The ACK request matches a transaction if the Request-URI, From tag, Call-ID, CSeq number (not the method), and top Via header field match those of the INVITE request which created the transaction, and the To tag of the ACK matches the To tag of the response sent by the server transaction.',
    shows: async () => {
      const old = { via: `SIP/2.0/UDP 127.0.0.1:${phone.local.port}` };
      const transaction = await begun(old);
      world.clock.advance(200);
      await next();
      transaction.reply({ status: 486 });
      const tag = tagOf(await next());
      send({ ...old, method: 'ACK', toTag: 'another' });
      await repeatedAfter([500], 486);
      send({ ...old, method: 'ACK', toTag: tag });
      await quiet();
      world.clock.advance(60_000);
      await quiet();
    },
  },
  {
    id: '17.2.3-12',
    says: 'An ACK request that matches an INVITE transaction matched by a previous ACK is considered a retransmission of that previous ACK.',
    shows: async () => {
      const answer = await completed(486);
      send({ method: 'ACK', toTag: tagOf(answer) });
      send({ method: 'ACK', toTag: tagOf(answer) });
      await quiet();
      expect(passed).toHaveLength(1);
    },
  },
  {
    id: '17.2.3-13',
    says: 'it must pass it to the specific server transaction for which the response is targeted',
    shows: async () => {
      const first = await begun({ callId: 'first' });
      const second = await begun({ callId: 'second', via: via('z9hG4bKtwo') });
      second.reply({ status: 486 });
      first.reply({ status: 404 });
      const answers = [await next(), await next()].map((one) => `${one.status} ${one.header('Call-ID')}`);
      expect(answers).toEqual(['486 second', '404 first']);
    },
  },
  {
    id: '17.2.4-1',
    says: 'First, the procedures in [4] are followed, which attempt to deliver the response to a backup.',
    fails:
      'our own answer goes by the connection of its request or not at all: else whoever sits behind a gateway could have us say his words to any port of that gateway; a phone whose connection broke asks again on a new one',
    shows: async () => {
      const stream = await world.tcpPeer();
      let knocks = 0;
      const ear = createServer(() => {
        knocks += 1;
      });
      await new Promise<void>((resolve) => ear.listen(0, '127.0.0.1', resolve));
      const address = ear.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      stream.send(requestText({ via: `SIP/2.0/TCP 127.0.0.1:${port};branch=z9hG4bKgone` }));
      await until(() => passed.length === 1);
      stream.stream.destroy();
      await until(() => passed[0]?.flow.open === false);
      passed[0]?.reply({ status: 404 });
      await quiet();
      await new Promise((resolve) => ear.close(resolve));
      expect(knocks).toBe(1);
    },
  },
  {
    id: '17.2.4-2',
    says: 'the server transaction SHOULD inform the TU that a failure has occurred, and SHOULD transition to the terminated state',
    shows: async () => {
      const stream = await world.tcpPeer();
      stream.send(requestText({ via: 'SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKgone' }));
      await until(() => passed.length === 1);
      stream.stream.destroy();
      await until(() => passed[0]?.flow.open === false);
      passed[0]?.reply({ status: 404 });
      expect(passed[0]?.done).toBe(true);
      expect(world.count('chordial_sip_dropped_total', 'answer-undeliverable')).toBe(1);
    },
  },
]);
