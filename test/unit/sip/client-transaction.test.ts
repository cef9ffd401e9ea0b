import { expect, test } from 'vitest';
import { Retransmitter } from '../../../src/sip/client-transaction.ts';
import type { Flow, Transport } from '../../../src/sip/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const END = { host: '127.0.0.1', port: 5060 };
const BYTES = new Uint8Array([1]);

const world = (transport: Transport = 'udp', max = 10) => {
  const clock = new ManualClock();
  const startMs = clock.monoMs();
  const sentAtMs: number[] = [];
  const flow: Flow = {
    transport,
    local: END,
    advertised: END,
    remote: END,
    open: true,
    send: () => {
      sentAtMs.push(clock.monoMs() - startMs);
      return true;
    },
  };
  let timeouts = 0;
  const retransmitter = new Retransmitter({ clock }, { max });
  const send = (method: string, key = 'k') =>
    retransmitter.send({ bytes: BYTES, flow, key, method, onTimeout: () => (timeouts += 1) });
  return { clock, sentAtMs, retransmitter, send, timeouts: () => timeouts };
};

test('an INVITE is repeated at doubling intervals until it is given up after 32 s', () => {
  const { clock, sentAtMs, send, timeouts, retransmitter } = world();

  send('INVITE');
  clock.advance(60_000);

  expect(sentAtMs).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
  expect(timeouts()).toBe(1);
  expect(retransmitter.size).toBe(0);
});

test('anything else is repeated at intervals of at most 4 s', () => {
  const { clock, sentAtMs, send } = world();

  send('BYE');
  clock.advance(60_000);

  expect(sentAtMs).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
});

test('a provisional answer ends the repetition of an INVITE and slows that of others', () => {
  const invite = world();
  invite.send('INVITE');
  invite.retransmitter.onResponse('k', 180);
  invite.clock.advance(60_000);
  expect(invite.sentAtMs).toEqual([0]);
  expect(invite.timeouts()).toBe(0);

  const bye = world();
  bye.send('BYE');
  bye.retransmitter.onResponse('k', 100);
  bye.clock.advance(5000);
  expect(bye.sentAtMs).toEqual([0, 500, 4500]);
});

test('a final answer ends it; one for another request does not', () => {
  const { clock, sentAtMs, send, retransmitter } = world();

  send('BYE');
  retransmitter.onResponse('other', 200);
  clock.advance(500);
  retransmitter.onResponse('k', 200);
  clock.advance(60_000);

  expect(sentAtMs).toEqual([0, 500]);
  expect(clock.timers).toBe(0);
});

test('over TCP, and for an ACK, a request is sent once', () => {
  const tcp = world('tcp');
  tcp.send('INVITE');
  const ack = world();
  ack.send('ACK');

  tcp.clock.advance(60_000);
  ack.clock.advance(60_000);

  expect([tcp.sentAtMs, ack.sentAtMs]).toEqual([[0], [0]]);
});

test('a full table sends without repeating, and the same request twice does not double its timers', () => {
  const { clock, sentAtMs, send, retransmitter } = world('udp', 1);

  send('BYE', 'first');
  send('BYE', 'first');
  send('BYE', 'second');
  clock.advance(500);

  expect(retransmitter.size).toBe(1);
  expect(sentAtMs).toEqual([0, 0, 0, 500]);
});

test('stop leaves no timer behind', () => {
  const { clock, send, retransmitter } = world();
  send('INVITE');

  retransmitter.stop();

  expect(clock.timers).toBe(0);
});
