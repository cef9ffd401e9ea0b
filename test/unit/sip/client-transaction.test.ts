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
  let open = true;
  const flow: Flow = {
    transport,
    local: END,
    advertised: END,
    remote: END,
    get open() {
      return open;
    },
    send: () => {
      sentAtMs.push(clock.monoMs() - startMs);
      return true;
    },
  };
  const silences: string[] = [];
  const retransmitter = new Retransmitter({ clock }, { max });
  const sendUnwatched = (method: string, key: string) =>
    retransmitter.send({ bytes: BYTES, flow, key, method });
  const send = (method: string, key = 'k', giveUpMs?: number) =>
    retransmitter.send({
      bytes: BYTES,
      flow,
      key,
      method,
      ...(giveUpMs === undefined ? {} : { giveUpMs }),
      onSilence: (what) => {
        silences.push(`${what} at ${clock.monoMs() - startMs}`);
      },
    });
  return {
    clock,
    sentAtMs,
    retransmitter,
    send,
    sendUnwatched,
    silences,
    setOpen: (to: boolean) => (open = to),
  };
};

test('an INVITE is repeated at doubling intervals until it is given up after 32 s', () => {
  const { clock, sentAtMs, send, silences, retransmitter } = world();

  send('INVITE');
  clock.advance(60_000);

  expect(sentAtMs).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
  expect(silences).toEqual(['quiet at 3500', 'timeout at 32000']);
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
  expect(invite.silences).toEqual([]);

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

test('a stream is watched without sending twice', () => {
  const { clock, sentAtMs, send, silences, retransmitter } = world('tcp');

  send('MESSAGE');
  clock.advance(60_000);

  expect(sentAtMs).toEqual([0]);
  expect(silences).toEqual(['quiet at 3500', 'timeout at 32000']);
  expect(retransmitter.size).toBe(0);
});

test('a connection that goes before an answer came is told as lost', () => {
  const { clock, send, silences, setOpen, retransmitter } = world('tcp');

  send('INVITE');
  clock.advance(700);
  setOpen(false);
  clock.advance(60_000);

  expect(silences).toEqual(['lost at 1500']);
  expect(retransmitter.size).toBe(0);
});

test('whoever was heard of is not called quiet', () => {
  const { clock, send, silences, retransmitter } = world();

  send('BYE');
  retransmitter.onResponse('k', 100);
  clock.advance(20_000);

  expect(silences).toEqual([]);
});

test('what has less than 32 s left is given up earlier', () => {
  const { clock, sentAtMs, retransmitter, silences, send } = world();

  send('INVITE', 'k', 2000);
  clock.advance(60_000);

  expect(sentAtMs).toEqual([0, 500, 1500]);
  expect(silences).toEqual(['timeout at 2000']);
  expect(retransmitter.size).toBe(0);
});

test('a full table sends without repeating, and the same request twice does not double its timers', () => {
  const { clock, sentAtMs, sendUnwatched, retransmitter } = world('udp', 1);

  sendUnwatched('CANCEL', 'first');
  sendUnwatched('CANCEL', 'first');
  sendUnwatched('CANCEL', 'second');
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

test('over a full table whoever waits for an answer is still told of silence', () => {
  const { clock, send, sendUnwatched, silences } = world('udp', 1);
  sendUnwatched('CANCEL', 'first');

  send('INVITE');
  clock.advance(60_000);

  expect(silences).toEqual(['quiet at 3500', 'timeout at 32000']);
});
