import { describe, expect, test } from 'vitest';
import { StreamFramer, type StreamItem } from '../../../src/sip/framer.ts';
import { requestText } from '../../support/sip-request.ts';
import { latin1 } from '../../support/sip-verdict.ts';

const framerOf = (messageBytesMax = 65_535) => new StreamFramer({ messageBytesMax });

const drain = (framer: StreamFramer): readonly StreamItem[] => {
  const items: StreamItem[] = [];
  for (;;) {
    const item = framer.next();
    if (item === undefined) return items;
    items.push(item);
  }
};

/** What came out, in a few words. */
const told = (items: readonly StreamItem[]): readonly string[] =>
  items.map((item) => {
    if (item.kind === 'ping') return 'ping';
    if (item.kind === 'broken') return `broken ${item.error.status} ${item.error.request?.method ?? '-'}`;
    if (!item.read.ok) return `error ${item.read.error.status} ${item.read.error.request?.method ?? '-'}`;
    return `${item.read.value.cseq.seq} ${Buffer.from(item.read.value.body).toString('latin1')}`;
  });

const read = (text: string, messageBytesMax?: number) => {
  const framer = framerOf(messageBytesMax);
  framer.push(latin1(text));
  return told(drain(framer));
};

describe('a stream', () => {
  test('gives the messages of one segment one by one', () => {
    const text =
      requestText({ cseq: 1, body: 'one' }) + requestText({ cseq: 2 }) + requestText({ cseq: 3, body: '3' });
    expect(read(text)).toEqual(['1 one', '2 ', '3 3']);
  });

  test('keeps what is incomplete until the rest comes', () => {
    const framer = framerOf();
    const bytes = latin1(requestText({ cseq: 1, body: 'body' }));
    framer.push(bytes.subarray(0, 40));
    expect([framer.ready, framer.partial]).toEqual([false, true]);
    framer.push(bytes.subarray(40, bytes.length - 1));
    expect([framer.ready, framer.partial]).toEqual([false, true]);
    framer.push(bytes.subarray(bytes.length - 1));
    expect(framer.ready).toBe(true);
    expect(told(drain(framer))).toEqual(['1 body']);
    expect([framer.ready, framer.partial]).toEqual([false, false]);
  });

  test('leaves an item in its place until it is taken', () => {
    const framer = framerOf();
    framer.push(latin1(requestText({ cseq: 7 })));
    expect([framer.ready, framer.ready]).toEqual([true, true]);
    expect(told(drain(framer))).toEqual(['7 ']);
  });

  test('may hold an empty line in a body', () => {
    expect(read(requestText({ cseq: 1, body: '\r\n\r\n' }) + requestText({ cseq: 2 }))).toEqual([
      '1 \r\n\r\n',
      '2 ',
    ]);
  });

  test('gives bodies that keep nothing alive but themselves', () => {
    const framer = framerOf();
    framer.push(latin1(requestText({ cseq: 1, body: 'AAAA' }) + requestText({ cseq: 2 })));
    const item = framer.next();
    const body = item?.kind === 'message' && item.read.ok ? item.read.value.body : undefined;
    expect(body?.buffer.byteLength).toBe(4);
  });
});

describe('keep-alives between messages', () => {
  test('CR LF CR LF is a ping, also in front of a message', () => {
    expect(read(`\r\n\r\n${requestText({ cseq: 1 })}\r\n\r\n\r\n\r\n`)).toEqual([
      'ping',
      '1 ',
      'ping',
      'ping',
    ]);
  });

  test('CR LF alone is nothing, and nothing to wait for', () => {
    const framer = framerOf();
    framer.push(latin1('\r\n'));
    expect([framer.ready, framer.partial]).toEqual([false, false]);
    framer.push(latin1(requestText({ cseq: 1 })));
    expect(told(drain(framer))).toEqual(['1 ']);
  });

  test('a CR without its LF ends the stream', () => {
    expect(read('\rx')).toEqual(['broken 400 -']);
    expect(read('\r\n\rx')).toEqual(['broken 400 -']);
  });
});

describe('what is wrong', () => {
  test('in a message whose length is known is told, and the stream goes on', () => {
    const broken = requestText({ cseq: 1, body: 'xyz' }).replace('CSeq: 1', 'CSeq: x');
    expect(read(broken + requestText({ cseq: 2 }))).toEqual(['error 400 INVITE', '2 ']);
  });

  // RFC 4475 §3.1.2.3 and §3.3.9: nobody knows where the next message begins.
  test.each([
    ['absent', (text: string) => text.replace(/Content-Length: \d+\r\n/, '')],
    ['negative', (text: string) => text.replace(/Content-Length: \d+/, 'Content-Length: -1')],
    ['no number', (text: string) => text.replace(/Content-Length: \d+/, 'Content-Length: NaN')],
    ['there twice', (text: string) => text.replace(/(Content-Length: \d+\r\n)/, '$1l: 0\r\n')],
  ])('with Content-Length %s ends the stream, with an answer', (_what, change) => {
    expect(read(change(requestText({ cseq: 1 })) + requestText({ cseq: 2 }))).toEqual(['broken 400 INVITE']);
  });

  test('a message over the bound ends the stream with 513, by its length or by its head', () => {
    expect(read(requestText({ body: 'x'.repeat(1000) }), 1000)).toEqual(['broken 513 INVITE']);
    expect(read(requestText({ headers: [`X: ${'y'.repeat(1000)}`] }), 1000)).toEqual(['broken 513 INVITE']);
    expect(read('x'.repeat(1001), 1000)).toEqual(['broken 400 -']);
  });

  test('what comes after the end is not kept', () => {
    const framer = framerOf(100);
    framer.push(new Uint8Array(101).fill(65));
    drain(framer);
    framer.push(new Uint8Array(1000));
    expect([framer.ready, framer.partial, framer.next()]).toEqual([false, false, undefined]);
  });
});
