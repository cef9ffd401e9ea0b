import { expect, test } from 'vitest';
import { connectStream, listenStream, type StreamPort } from '../../../src/runtime/stream.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const bytes = (text: string) => Buffer.from(text, 'latin1');
const never = () => new AbortController().signal;

/** A listener that echoes, and what it saw. */
const echo = async (writeBufferBytesMax = 1000) => {
  let tellClosed: (error: Error | undefined) => void = () => undefined;
  const closed = new Promise<Error | undefined>((resolve) => {
    tellClosed = resolve;
  });
  const listener = await listenStream(LOOPBACK, {
    writeBufferBytesMax,
    onStream: (stream) => ({
      onBytes: (received) => stream.send(received),
      onClose: tellClosed,
    }),
    onError: (error) => {
      throw error;
    },
  });
  return { listener, closed };
};

/** A client that resolves `heard` when as many bytes came as are expected. */
const client = async (port: number, expected: number, writeBufferBytesMax = 1000) => {
  let heard = '';
  let tell: (text: string) => void = () => undefined;
  const all = new Promise<string>((resolve) => {
    tell = resolve;
  });
  let tellClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });
  const stream = await connectStream(
    { host: '127.0.0.1', port },
    {
      writeBufferBytesMax,
      signal: never(),
      onStream: () => ({
        onBytes(received) {
          heard += Buffer.from(received).toString('latin1');
          if (heard.length >= expected) tell(heard);
        },
        onClose: () => tellClosed(),
      }),
    },
  );
  return { stream, all, closed };
};

test('bytes go both ways, and both ends know who they talk to', async () => {
  const { listener, closed } = await echo();
  const { stream, all } = await client(listener.local.port, 5);

  expect(stream.remote).toEqual(listener.local);
  expect(stream.local.port).toBeGreaterThan(0);
  expect(stream.send(bytes('hello'))).toBe(true);
  expect(await all).toBe('hello');

  stream.end();
  expect(await closed).toBeUndefined();
  await listener.close();
});

test('what does not fit the write buffer is refused whole', async () => {
  const { listener } = await echo();
  const { stream } = await client(listener.local.port, 0, 10);

  expect(stream.send(bytes('x'.repeat(11)))).toBe(false);
  expect(stream.open).toBe(true);

  stream.destroy();
  expect(stream.open).toBe(false);
  expect(stream.send(bytes('x'))).toBe(false);
  await listener.close();
});

test('end sends what is buffered first', async () => {
  const { listener } = await echo();
  const { stream, all, closed } = await client(listener.local.port, 5);

  stream.send(bytes('hello'));
  stream.end();

  expect(await all).toBe('hello');
  await closed;
  await listener.close();
});

test('a refused stream is closed at once', async () => {
  const listener = await listenStream(LOOPBACK, {
    writeBufferBytesMax: 10,
    onStream: () => undefined,
    onError: () => undefined,
  });
  const { closed } = await client(listener.local.port, 0);
  await closed;
  await listener.close();
});

test('a port that is taken is the reason that binding fails', async () => {
  const { listener } = await echo();
  await expect(
    listenStream(listener.local, {
      writeBufferBytesMax: 10,
      onStream: () => undefined,
      onError: () => undefined,
    }),
  ).rejects.toThrow(/EADDRINUSE/);
  await listener.close();
});

test('closing frees the port while streams live on, and may be done twice', async () => {
  const { listener } = await echo();
  const { stream, all } = await client(listener.local.port, 5);

  await listener.close();
  await listener.close();
  await expect(client(listener.local.port, 0)).rejects.toThrow(/ECONNREFUSED/);

  stream.send(bytes('still'));
  expect(await all).toBe('still');
  stream.end();
});

test.each([
  ['a name', { host: 'localhost', port: 5060 }],
  ['no port', { host: '127.0.0.1', port: 0 }],
  ['a port that is none', { host: '127.0.0.1', port: 70_000 }],
])('%s is nowhere to connect to', async (_what, to) => {
  const onStream = (_stream: StreamPort) => ({ onBytes: () => undefined, onClose: () => undefined });
  await expect(connectStream(to, { writeBufferBytesMax: 10, signal: never(), onStream })).rejects.toThrow(
    /not an address/,
  );
});

test('an attempt that was given up rejects', async () => {
  const abort = new AbortController();
  abort.abort();
  const onStream = (_stream: StreamPort) => ({ onBytes: () => undefined, onClose: () => undefined });
  await expect(
    connectStream(
      { host: '127.0.0.1', port: 9 },
      { writeBufferBytesMax: 10, signal: abort.signal, onStream },
    ),
  ).rejects.toThrow(/given up/);
});
