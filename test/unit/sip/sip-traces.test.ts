import { describe, expect, test } from 'vitest';
import { createAddressRanges } from '../../../src/runtime/address-ranges.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { SipTraces, type TraceFilter } from '../../../src/sip/sip-traces.ts';
import type { Flow } from '../../../src/sip/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { readPcap } from '../../support/pcap-reader.ts';
import { recordingFlow } from '../../support/recording-flow.ts';
import { requestText } from '../../support/sip-request.ts';

const world = () => {
  const clock = new ManualClock();
  const lines: (readonly [string, unknown])[] = [];
  const log = {
    ...silentLog,
    info: (fields: unknown, message: string) => void lines.push([message, fields]),
    error: (fields: unknown, message: string) => void lines.push([message, fields]),
  };
  const traces = new SipTraces({
    clock,
    log,
    nameOf: (uri) => (uri.includes('@') ? uri.toLowerCase().replace(/^sips?:/, '') : undefined),
  });
  const start = (
    filter: TraceFilter,
    options: { bytesMax?: number; seconds?: number; room?: () => boolean } = {},
  ) => {
    const pieces: Uint8Array[] = [];
    const state = { ended: 0 };
    const stop = traces.start({
      filter,
      what: 'a test',
      seconds: options.seconds ?? 60,
      bytesMax: options.bytesMax ?? 1_000_000,
      sink: {
        write(bytes) {
          if (options.room?.() === false) return false;
          pieces.push(bytes);
          return true;
        },
        end() {
          state.ended += 1;
        },
      },
    });
    return { stop, state, read: () => readPcap(Buffer.concat(pieces)) };
  };
  return { clock, lines, traces, start };
};

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const flowFrom = (host: string, port = 5999): Flow => recordingFlow({ remote: { host, port } });
const source = (range: string): TraceFilter => ({ kind: 'source', holds: createAddressRanges([range]) });
const aor = (name: string): TraceFilter => ({ kind: 'aor', name });
const callIds = (trace: { read: () => ReturnType<typeof readPcap> }) =>
  trace.read().map(({ text }) => /^Call-ID: (.*)\r$/m.exec(text)?.[1] ?? text);

describe('by source', () => {
  test('shows what comes from there and goes there, with times and ends', () => {
    const { traces, start, clock } = world();
    const trace = start(source('192.0.2.0/24'));
    traces.received(bytes(requestText({ callId: 'in' })), flowFrom('192.0.2.4'));
    clock.advance(7);
    traces.sent(bytes('SIP/2.0 200 OK\r\nCall-ID: out\r\n\r\n'), flowFrom('192.0.2.4'));
    traces.received(bytes(requestText({ callId: 'other' })), flowFrom('198.51.100.4'));

    const wallMs = clock.wallMs();
    expect(trace.read()).toMatchObject([
      { from: '192.0.2.4 5999', to: '127.0.0.1 5060', wallMs: wallMs - 7 },
      { from: '127.0.0.1 5060', to: '192.0.2.4 5999', wallMs },
    ]);
    expect(callIds(trace)).toEqual(['in', 'out']);
  });

  test('shows what cannot be read, too', () => {
    const { traces, start } = world();
    const trace = start(source('192.0.2.4'));
    traces.received(bytes('GET / HTTP/1.1\r\n\r\n'), flowFrom('192.0.2.4'));
    expect(trace.read()).toMatchObject([{ text: 'GET / HTTP/1.1\r\n\r\n' }]);
  });

  test('leaves keep-alives out', () => {
    const { traces, start } = world();
    const trace = start(source('192.0.2.4'));
    traces.sent(bytes('\r\n'), flowFrom('192.0.2.4'));
    traces.received(bytes('\r\n\r\n'), flowFrom('192.0.2.4'));
    expect(trace.read()).toEqual([]);
  });
});

describe('by address of record', () => {
  test.each([
    ['To', requestText({ uri: 'sip:x@1.2.3.4' })],
    [
      'From',
      requestText({ uri: 'sip:x@1.2.3.4' })
        .replace('alice@example.net', 'Bob@Example.com')
        .replace('To: <sip:bob', 'To: <sip:x'),
    ],
    ['Request-URI', requestText({ uri: 'sip:bob@example.com' }).replace('To: <sip:bob', 'To: <sip:x')],
    ['To of an answer', `SIP/2.0 486 Busy Here\r\n${requestText({}).split('\r\n').slice(1).join('\r\n')}`],
    ['To of a request that is broken', requestText({}).replace('CSeq: 1', 'CSeq: x')],
  ])('shows messages with the name in %s', (_, text) => {
    const { traces, start } = world();
    const trace = start(aor('bob@example.com'));
    traces.received(bytes(text), flowFrom('192.0.2.4'));
    expect(callIds(trace)).toEqual(['call-1']);
  });

  test('shows no others', () => {
    const { traces, start } = world();
    const trace = start(aor('carol@example.com'));
    traces.received(bytes(requestText({})), flowFrom('192.0.2.4'));
    traces.received(bytes('nonsense'), flowFrom('192.0.2.4'));
    expect(trace.read()).toEqual([]);
  });
});

test('credentials are cut', () => {
  const { traces, start } = world();
  const trace = start(source('192.0.2.4'));
  const headers = ['Authorization: Digest username="bob", response="6629fae49393a05397450978507c4ef1"'];
  traces.received(bytes(requestText({ headers })), flowFrom('192.0.2.4'));
  expect(trace.read()[0]?.text).toContain(`username="bob", response="${'x'.repeat(32)}"`);
});

describe('the ends of a packet', () => {
  test('are of the family of the peer, where the listener is on every address', () => {
    const { traces, start } = world();
    const trace = start(source('::/0'));
    const flow = recordingFlow({ remote: { host: '2001:db8::9', port: 7 } });
    traces.received(bytes(requestText({})), { ...flow, local: { host: '::', port: 5060 } });
    const advertised = { host: '2001:db8::1', port: 15060 };
    traces.sent(bytes(requestText({})), { ...flow, local: { host: '::', port: 5060 }, advertised });
    expect(trace.read().map(({ from, to }) => [from, to])).toEqual([
      ['2001:db8:0:0:0:0:0:9 7', '0:0:0:0:0:0:0:0 5060'],
      ['2001:db8:0:0:0:0:0:1 5060', '2001:db8:0:0:0:0:0:9 7'],
    ]);
  });
});

describe('an end', () => {
  const message = bytes(requestText({}));
  const from = flowFrom('192.0.2.4');

  test('comes after the seconds', () => {
    const { traces, start, clock } = world();
    const trace = start(source('192.0.2.4'), { seconds: 5 });
    expect(traces.on).toBe(true);
    clock.advance(5_000);
    expect([traces.on, trace.state.ended]).toEqual([false, 1]);
  });

  test('comes when the bytes are used up, at a whole record', () => {
    const { traces, start } = world();
    const trace = start(source('192.0.2.4'), { bytesMax: 2 * (message.length + 16 + 28) });
    for (let at = 0; at < 5; at += 1) traces.received(message, from);
    expect([trace.read().length, trace.state.ended, traces.on]).toEqual([2, 1, false]);
  });

  test('comes when it is stopped, once, and is told with what was lost', () => {
    const { start, traces, lines } = world();
    let room = true;
    const trace = start(source('192.0.2.4'), { room: () => room });
    traces.received(message, from);
    room = false;
    traces.received(message, from);
    trace.stop?.();
    trace.stop?.();
    expect(trace.state.ended).toBe(1);
    expect(lines.map(([text]) => text)).toEqual(['SIP trace on', 'SIP trace off']);
    expect(lines[1]?.[1]).toMatchObject({ what: 'a test', messages: 1, lost: 1 });
  });

  test('leaves room for another: there are four at most', () => {
    const { start, traces } = world();
    const four = Array.from({ length: 4 }, () => start(source('192.0.2.4')));
    expect([traces.full, start(source('192.0.2.4')).stop]).toEqual([true, undefined]);
    four[0]?.stop?.();
    expect(start(source('192.0.2.4')).stop).toBeDefined();
    traces.received(message, from);
    expect(four.map(({ read }) => read().length)).toEqual([0, 1, 1, 1]);
    traces.stop();
    expect(traces.on).toBe(false);
  });

  test('comes when a trace fails, and whoever sends or receives hears nothing of it', () => {
    const { start, traces, lines } = world();
    start({
      kind: 'source',
      holds: () => {
        throw new Error('broken');
      },
    });
    traces.received(message, from);
    expect([traces.on, lines.at(-2)]).toEqual([false, ['a SIP trace failed', { err: 'broken' }]]);
  });
});
