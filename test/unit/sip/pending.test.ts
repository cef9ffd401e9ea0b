import { describe, expect, test } from 'vitest';
import { PendingTable } from '../../../src/sip/pending.ts';
import type { SipRequest } from '../../../src/sip/types.ts';
import { transactionKey } from '../../../src/sip/via.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type RecordingFlow, recordingFlow } from '../../support/recording-flow.ts';
import { requestOf } from '../../support/sip-request.ts';

const world = (max = 10) => {
  const clock = new ManualClock();
  const answered: string[] = [];
  const dropped: string[] = [];
  const table = new PendingTable(
    {
      clock,
      encode: (request, reply) => Buffer.from(`${reply.status} ${request.method}`),
      onDeadline: (request) => ({ status: request.method === 'INVITE' ? 504 : 503 }),
      onAnswered: (request, status, _flow, seconds) =>
        answered.push(`${request.method} ${status} ${seconds}`),
      onDropped: (reason) => dropped.push(reason),
    },
    { max, tryingAfterMs: 200, deadlineMs: (method) => (method === 'INVITE' ? 3000 : 5000) },
  );
  /** As the server does it: join, else open. */
  const come = (request: SipRequest, flow: RecordingFlow = recordingFlow()) => {
    const key = transactionKey(request);
    if (table.join(key, request, flow)) return { kind: 'joined' as const, flow };
    return { ...table.open(key, request, flow, flow), flow };
  };
  const opened = (request: SipRequest, flow?: RecordingFlow) => {
    const come1 = come(request, flow);
    if (come1.kind !== 'new') throw new Error(`not new but ${come1.kind}`);
    return { transaction: come1.transaction, flow: come1.flow };
  };
  return { clock, answered, dropped, table, come, opened };
};

const via = (branch: string, port = 5999) => ({ via: `SIP/2.0/UDP 127.0.0.1:${port};branch=${branch}` });

describe('retransmissions', () => {
  test('join the running transaction and are absorbed until there is an answer', () => {
    const { come, opened, dropped, table } = world();
    opened(requestOf({ method: 'REGISTER' }));

    const again = come(requestOf({ method: 'REGISTER' }));

    expect(again.kind).toBe('joined');
    expect(again.flow.sent).toEqual([]);
    expect(dropped).toEqual(['retransmission']);
    expect(table.size).toBe(1);
  });

  test('get the provisional answer again, once there is one', () => {
    const { come, opened, clock } = world();
    opened(requestOf());
    clock.advance(200);

    expect(come(requestOf()).flow.sent).toEqual(['100 INVITE']);
  });

  test('of what is no INVITE get the same answer again until timer J (§17.2.2)', () => {
    const { come, opened, clock } = world();
    opened(requestOf({ method: 'REGISTER' })).transaction.reply({ status: 401 });

    clock.advance(31_500);
    expect(come(requestOf({ method: 'REGISTER' }))).toMatchObject({
      kind: 'joined',
      flow: { sent: ['401 REGISTER'] },
    });
    clock.advance(32_500);
    expect(come(requestOf({ method: 'REGISTER' })).kind).toBe('new');
  });

  test('that are another request under the same branch are none', () => {
    const { come, opened } = world();
    opened(requestOf({ method: 'REGISTER', cseq: 1 })).transaction.reply({ status: 401 });

    expect(come(requestOf({ method: 'REGISTER', cseq: 2 })).kind).toBe('new');
  });

  test('from another address do not get what was said to the first', () => {
    const { come, opened } = world();
    opened(requestOf({ method: 'REGISTER' })).transaction.reply({ status: 200 });

    const stranger = recordingFlow({ remote: { host: '192.0.2.66', port: 5060 } });
    expect(come(requestOf({ method: 'REGISTER' }), stranger).kind).toBe('new');
  });

  test('of an INVITE get its final answer again, though nothing provisional went out (§17.2.1)', () => {
    const { come, opened, clock } = world();
    opened(requestOf()).transaction.reply({ status: 302 });

    clock.advance(31_500);
    expect(come(requestOf())).toMatchObject({ kind: 'joined', flow: { sent: ['302 INVITE'] } });
  });
});

describe('INVITE', () => {
  test('gets 100 after 200 ms, once', () => {
    const { opened, clock } = world();
    const { flow } = opened(requestOf());

    clock.advance(199);
    expect(flow.sent).toEqual([]);
    clock.advance(1);
    expect(flow.sent).toEqual(['100 INVITE']);
    clock.advance(1000);
    expect(flow.sent).toEqual(['100 INVITE']);
  });

  test('gets no 100 when the answer is faster, or a forwarder took over', () => {
    const { opened, clock } = world();
    const answered = opened(requestOf());
    const released = opened(requestOf({ callId: 'c2', ...via('z9hG4bKr') }));

    answered.transaction.reply({ status: 404 });
    released.transaction.release();
    clock.advance(60_000);

    expect(answered.flow.sent).toEqual(['404 INVITE']);
    expect(released.flow.sent).toEqual([]);
  });

  test('that was prolonged is answered when that time is over, and gets its 100 as ever', () => {
    const { opened, clock } = world();
    const { transaction, flow } = opened(requestOf());
    clock.advance(1000);
    transaction.prolong(20_000);

    clock.advance(19_999);
    expect(flow.sent).toEqual(['100 INVITE']);
    clock.advance(1);
    expect(flow.sent).toEqual(['100 INVITE', '504 INVITE']);
    expect(clock.timers).toBe(1);
  });

  test('is answered at its deadline, and what its handler says later counts no more', () => {
    const { opened, clock, answered } = world();
    const { transaction, flow } = opened(requestOf({}), recordingFlow({ transport: 'tcp' }));

    clock.advance(3000);
    transaction.reply({ status: 302 });

    expect(flow.sent).toEqual(['100 INVITE', '504 INVITE']);
    expect(transaction.done).toBe(true);
    expect(answered).toEqual(['INVITE 504 3']);
  });

  test('whose caller had a 100 over UDP gets the final answer again until the ACK', () => {
    const { opened, clock, table, come } = world();
    const { transaction, flow } = opened(requestOf());
    clock.advance(200);
    transaction.reply({ status: 302 });

    clock.advance(500 + 1000);
    expect(flow.sent).toEqual(['100 INVITE', '302 INVITE', '302 INVITE', '302 INVITE']);
    expect(come(requestOf()).flow.sent).toEqual(['302 INVITE']);

    expect(table.acknowledge(requestOf({ method: 'ACK', toTag: 't' }), true)).toBe(true);
    clock.advance(60_000);
    expect(flow.sent).toHaveLength(4);
    expect(clock.timers).toBe(0);
  });

  test('that is never acknowledged is given up after 32 s', () => {
    const { opened, clock } = world();
    const { transaction, flow } = opened(requestOf());
    clock.advance(200);
    transaction.reply({ status: 302 });

    clock.advance(120_000);

    expect(flow.sent.filter((line) => line.startsWith('302'))).toHaveLength(11);
    expect(clock.timers).toBe(0);
  });

  test('over TCP gets its final answer once', () => {
    const { opened, clock } = world();
    const { transaction, flow } = opened(requestOf(), recordingFlow({ transport: 'tcp' }));
    clock.advance(200);
    transaction.reply({ status: 302 });

    clock.advance(60_000);

    expect(flow.sent).toEqual(['100 INVITE', '302 INVITE']);
  });

  test('in RFC 2543 form is found by its ACK, which bears our tag', () => {
    const { opened, clock, table } = world();
    const { transaction, flow } = opened(requestOf({ via: 'SIP/2.0/UDP 127.0.0.1:5999' }));
    clock.advance(200);
    transaction.reply({ status: 404 });

    expect(
      table.acknowledge(requestOf({ method: 'ACK', via: 'SIP/2.0/UDP 127.0.0.1:5999', toTag: 'ours' }), true),
    ).toBe(true);
    clock.advance(60_000);
    expect(flow.sent).toEqual(['100 INVITE', '404 INVITE']);
  });
});

describe('CANCEL', () => {
  const cancel = requestOf({ method: 'CANCEL' });

  test('of an INVITE under way ends it with 487', () => {
    const { opened, table } = world();
    const { transaction, flow } = opened(requestOf());

    expect(table.find(cancel, recordingFlow())).toBe('pending');
    table.cancel(cancel);
    transaction.reply({ status: 302 });

    expect(flow.sent).toEqual(['487 INVITE']);
    expect(transaction.done).toBe(true);
    expect(table.find(cancel, recordingFlow())).toBe('no-effect');
  });

  test('after the answer still finds its INVITE for 32 s and not much longer', () => {
    const { opened, table, clock } = world();
    opened(requestOf()).transaction.reply({ status: 302 });

    clock.advance(31_000);
    expect(table.find(cancel, recordingFlow())).toBe('no-effect');
    clock.advance(33_000);
    expect(table.find(cancel, recordingFlow())).toBe('none');
  });

  test('of a forwarded INVITE finds nothing, of another method what it has no effect on (§9.2)', () => {
    const { opened, table } = world();
    opened(requestOf()).transaction.release();
    opened(requestOf({ method: 'REGISTER', ...via('z9hG4bKreg') }));

    expect(table.find(cancel, recordingFlow())).toBe('none');
    const vain = requestOf({ method: 'CANCEL', ...via('z9hG4bKreg') });
    expect(table.find(vain, recordingFlow())).toBe('no-effect');
  });
});

describe('the table', () => {
  test('is full at its bound, and has room again when something ends', () => {
    const { come, opened } = world(1);
    const { transaction } = opened(requestOf());

    expect(come(requestOf({ callId: 'c2', ...via('z9hG4bK2') })).kind).toBe('full');
    transaction.reply({ status: 404 });
    expect(come(requestOf({ callId: 'c2', ...via('z9hG4bK2') })).kind).toBe('new');
  });

  test('tells the same request that came by another way, as long as the first is under way (RFC 3261 §8.2.2.2)', () => {
    const { come, opened } = world();
    const { transaction } = opened(requestOf());

    expect(come(requestOf(via('z9hG4bKother', 5998))).kind).toBe('merged');
    transaction.reply({ status: 404 });
    expect(come(requestOf(via('z9hG4bKother', 5998))).kind).toBe('new');
  });

  test('repeats answers within its bound: the oldest is no longer repeated', () => {
    const { opened, clock } = world(1);
    const calls = ['z9hG4bK1', 'z9hG4bK2'].map((branch) => {
      const call = opened(requestOf({ callId: branch, ...via(branch) }));
      clock.advance(200);
      call.transaction.reply({ status: 302 });
      return call.flow.sent;
    });

    clock.advance(60_000);

    expect(calls.map((sent) => sent.length)).toEqual([2, 12]);
    expect(clock.timers).toBe(0);
  });

  test('counts an answer that could not be sent', () => {
    const { opened, dropped } = world();
    opened(requestOf(), recordingFlow({ works: false })).transaction.reply({ status: 404 });

    expect(dropped).toEqual(['answer-undeliverable']);
  });

  test('says when nothing is under way any more', async () => {
    const { opened, table } = world();
    await table.empty();
    const { transaction } = opened(requestOf());
    let empty = false;
    const waiting = table.empty().then(() => {
      empty = true;
    });

    await Promise.resolve();
    expect(empty).toBe(false);
    transaction.reply({ status: 404 });
    await waiting;
    expect(empty).toBe(true);
  });

  test('stop leaves no timer and ends what waits', async () => {
    const { opened, table, clock } = world();
    const { transaction, flow } = opened(requestOf());
    clock.advance(200);
    opened(requestOf({ callId: 'c2', ...via('z9hG4bK2') }));
    const waiting = table.empty();

    table.stop();
    await waiting;
    transaction.reply({ status: 404 });

    expect(clock.timers).toBe(0);
    expect(flow.sent).toEqual(['100 INVITE']);
  });
});
