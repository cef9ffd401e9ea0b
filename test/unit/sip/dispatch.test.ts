import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/runtime/log.ts';
import { Dispatch } from '../../../src/sip/dispatch.ts';
import { PendingTable } from '../../../src/sip/pending.ts';
import { createToTags } from '../../../src/sip/to-tag.ts';
import type { SipRequest } from '../../../src/sip/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { recordingFlow } from '../../support/recording-flow.ts';
import { requestOf } from '../../support/sip-request.ts';

const world = (pendingMax = 10) => {
  const clock = new ManualClock();
  const counted: string[] = [];
  const errors: string[] = [];
  const metrics = {
    answered: (method: string, code: number) => void counted.push(`${method} ${code}`),
    dropped: (reason: string) => void counted.push(reason),
    acknowledged: () => void counted.push('acknowledged'),
  };
  const encode = (request: SipRequest, reply: { status: number; headers?: readonly (readonly string[])[] }) =>
    Buffer.from(
      [`${reply.status} ${request.method}`, ...(reply.headers ?? []).map((row) => row.join(': '))].join('|'),
    );
  const toTags = createToTags(new Uint8Array(32));
  const pending = new PendingTable(
    {
      clock,
      encode,
      onDeadline: () => ({ status: 504 }),
      onAnswered: (request, status) => metrics.answered(request.method, status),
      onDropped: metrics.dropped,
    },
    { max: pendingMax, tryingAfterMs: 200, deadlineMs: () => 3000 },
  );
  const dispatch = new Dispatch(
    {
      log: { ...silentLog, error: (_fields, message) => void errors.push(message) },
      random: { bytes: (count) => new Uint8Array(count), float: () => 0 },
      metrics,
      pending,
      toTags,
      encode,
    },
    {
      supported: ['path'],
      isOurs: () => true,
      isSelf: (uri) => uri === 'sip:example.com',
    },
  );
  const flow = recordingFlow();
  const come = (given: Parameters<typeof requestOf>[0]) => dispatch.request(requestOf(given), flow, flow);
  return { dispatch, come, sent: flow.sent, counted, errors, pending, toTags, clock };
};

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a request goes to the handler of its method, or to that of the others', async () => {
  const { dispatch, come, sent } = world();
  dispatch.handle('REGISTER', async (transaction) => transaction.reply({ status: 200 }));
  dispatch.handleOthers(async (transaction) => transaction.reply({ status: 480 }));

  come({ method: 'REGISTER' });
  come({ method: 'MESSAGE' });
  await settled();

  expect(sent).toEqual(['200 REGISTER', '480 MESSAGE']);
});

test('Allow names what is served', () => {
  const { dispatch, come, sent } = world();
  dispatch.handle('REGISTER', async (transaction) => transaction.reply({ status: 200 }));
  expect(dispatch.allow).toBe('REGISTER, ACK, CANCEL, OPTIONS');

  come({ method: 'MESSAGE' });
  come({ method: 'NEWMETHOD' });

  expect(sent).toEqual([
    '405 MESSAGE|Allow: REGISTER, ACK, CANCEL, OPTIONS',
    '501 NEWMETHOD|Allow: REGISTER, ACK, CANCEL, OPTIONS',
  ]);
});

describe('OPTIONS', () => {
  const capabilities =
    '200 OPTIONS|Allow: ACK, CANCEL, OPTIONS|Accept: */*|Accept-Encoding: identity|Accept-Language: en|Supported: path';

  test('to the server itself is answered without any handler', () => {
    const { come, sent } = world();
    come({ method: 'OPTIONS', uri: 'sip:example.com' });
    expect(sent).toEqual([capabilities]);
  });

  test('to anybody with Max-Forwards 0 is answered as a hop (RFC 3261 §11)', () => {
    const { come, sent } = world();
    come({ method: 'OPTIONS', maxForwards: 0 });
    expect(sent).toEqual([capabilities]);
  });

  test('to a user goes to the handler of the others', async () => {
    const { dispatch, come, sent } = world();
    dispatch.handleOthers(async (transaction) => transaction.reply({ status: 302 }));
    come({ method: 'OPTIONS' });
    await settled();
    expect(sent).toEqual(['302 OPTIONS']);
  });

  test('to a user is 404 when nobody serves users', () => {
    const { come, sent } = world();
    come({ method: 'OPTIONS' });
    expect(sent).toEqual(['404 OPTIONS']);
  });
});

describe('a handler', () => {
  test('that fails is a 500 and an error line', async () => {
    const { dispatch, come, sent, errors } = world();
    dispatch.handle('REGISTER', async () => {
      throw new Error('boom');
    });

    come({ method: 'REGISTER' });
    await settled();

    expect(sent).toEqual(['500 REGISTER']);
    expect(errors).toEqual(['a handler failed']);
  });

  test('that ends without an answer is a 500 and an error line', async () => {
    const { dispatch, come, sent, errors } = world();
    dispatch.handle('REGISTER', async () => undefined);

    come({ method: 'REGISTER' });
    await settled();

    expect(sent).toEqual(['500 REGISTER']);
    expect(errors).toEqual(['a handler ended without an answer']);
  });

  test('that released its request to a forwarder leaves no answer', async () => {
    const { dispatch, come, sent, pending } = world();
    dispatch.handle('INVITE', async (transaction) => transaction.release());

    come({});
    await settled();

    expect(sent).toEqual([]);
    expect(pending.size).toBe(0);
  });
});

describe('CANCEL', () => {
  const never = () => new Promise<void>(() => undefined);

  test('of an INVITE under way: 200, then 487 for the INVITE', () => {
    const { dispatch, come, sent } = world();
    dispatch.handle('INVITE', never);
    come({});
    come({ method: 'CANCEL' });
    expect(sent).toEqual(['200 CANCEL', '487 INVITE']);
  });

  test('of an INVITE that was answered: 200', async () => {
    const { dispatch, come, sent } = world();
    dispatch.handle('INVITE', async (transaction) => transaction.reply({ status: 302 }));
    come({});
    come({ method: 'CANCEL' });
    await settled();
    expect(sent).toEqual(['302 INVITE', '200 CANCEL']);
  });

  test('of nothing we know: 481, unless the forwarder takes it', async () => {
    const { dispatch, come, sent } = world();
    come({ method: 'CANCEL' });
    dispatch.handle('CANCEL', async (transaction) => {
      if (transaction.request.callId === 'mine') transaction.release();
    });
    come({ method: 'CANCEL', callId: 'mine' });
    come({ method: 'CANCEL', callId: 'stray' });
    await settled();
    expect(sent).toEqual(['481 CANCEL', '481 CANCEL']);
  });
});

describe('ACK', () => {
  test('with our tag is absorbed, another goes to the forwarder, and no ACK is ever answered', async () => {
    const { dispatch, come, sent, toTags, counted } = world();
    const forwarded: string[] = [];
    come({ method: 'ACK', toTag: 'stranger' });
    dispatch.handle('ACK', async (transaction) => {
      forwarded.push(transaction.request.callId);
      if (transaction.request.callId === 'lost') return;
      transaction.reply({ status: 200 });
    });

    come({ method: 'ACK', toTag: toTags.tagFor(requestOf()) });
    come({ method: 'ACK', callId: 'theirs', toTag: 'stranger' });
    come({ method: 'ACK', callId: 'lost', toTag: 'stranger', headers: ['Require: nope'] });
    await settled();

    expect(forwarded).toEqual(['theirs', 'lost']);
    expect(sent).toEqual([]);
    expect(counted).toEqual(['stray-ack', 'acknowledged', 'stray-ack']);
  });
});

test('a request that came by two ways is 482 the second time', () => {
  const { dispatch, come, sent } = world();
  dispatch.handle('INVITE', () => new Promise(() => undefined));
  come({});
  come({ via: 'SIP/2.0/UDP 127.0.0.1:5998;branch=z9hG4bKother' });
  expect(sent).toEqual(['482 INVITE']);
});

test('over a full table: 503 with Retry-After', () => {
  const { dispatch, come, sent } = world(1);
  dispatch.handle('INVITE', () => new Promise(() => undefined));
  come({});
  come({ callId: 'c2', via: 'SIP/2.0/UDP 127.0.0.1:5998;branch=z9hG4bKother' });
  expect(sent).toEqual(['503 INVITE|Retry-After: 2']);
});

test('while draining: 503 without Retry-After for what is new, and what is under way is finished', async () => {
  const { dispatch, come, sent } = world();
  let finish: () => void = () => undefined;
  dispatch.handle(
    'REGISTER',
    (transaction) =>
      new Promise((resolve) => {
        finish = () => {
          transaction.reply({ status: 200 });
          resolve();
        };
      }),
  );
  come({ method: 'REGISTER' });

  dispatch.drain();
  come({ method: 'REGISTER' });
  come({ method: 'OPTIONS', uri: 'sip:example.com' });
  finish();
  await settled();

  expect(sent).toEqual(['503 OPTIONS', '200 REGISTER']);
});
