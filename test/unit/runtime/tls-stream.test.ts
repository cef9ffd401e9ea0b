import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCertificate } from '../../../src/runtime/certificate.ts';
import type { StreamListener } from '../../../src/runtime/stream.ts';
import { createListenTls } from '../../../src/runtime/tls-stream.ts';
import { createAuthority } from '../../support/certificates.ts';

const authority = createAuthority();
const pair = authority.issue({ commonName: 'a.example', names: ['DNS:a.example'] });

let listener: StreamListener;
/** What the server's side of each connection has seen, in order. */
let seen: string[];
let closed: Promise<void>;
beforeEach(async () => {
  const read = readCertificate(pair.certPem, pair.keyPem);
  if (!read.ok) throw new Error(read.error);
  const { context } = read.value;
  seen = [];
  let tellClosed: () => void = () => undefined;
  closed = new Promise((resolve) => {
    tellClosed = resolve;
  });
  listener = await createListenTls({ contextFor: () => context })(
    { host: '127.0.0.1', port: 0 },
    {
      writeBufferBytesMax: 100_000,
      onStream(stream) {
        seen.push(stream.ready ? 'accepted, ready' : 'accepted');
        return {
          onReady: () => void seen.push(stream.ready ? 'ready' : 'not ready'),
          onBytes: (bytes) => {
            seen.push(Buffer.from(bytes).toString('latin1'));
            stream.send(bytes);
          },
          onClose: (error) => {
            seen.push(error === undefined ? 'closed' : `closed: ${error.message}`);
            tellClosed();
          },
        };
      },
      onError: (error) => {
        throw error;
      },
    },
  );
});
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener.close();
});

const raw = async () => {
  const socket = connectTcp(listener.local.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
};
const client = async (options: ConnectionOptions = {}) => {
  const below = await raw();
  const socket = connect({ socket: below, ca: authority.certPem, servername: 'a.example', ...options });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return { socket, below };
};

test('a connection is told of when it is accepted, and again when its handshake is done', async () => {
  const { socket } = await client();
  socket.write('hello');
  expect(String((await once(socket, 'data'))[0])).toBe('hello');
  socket.end();
  await closed;
  expect(seen).toEqual(['accepted', 'ready', 'hello', 'closed']);
});

test('versions below TLS 1.2 are refused (RFC 8996)', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  await expect(client(old)).rejects.toThrow(/protocol version/);
  await closed;
  expect(seen).not.toContain('ready');
});

test('a client that asks for another handshake on TLS 1.2 is closed', async () => {
  const { socket } = await client({ maxVersion: 'TLSv1.2' });
  socket.renegotiate({ rejectUnauthorized: true }, () => undefined);
  await closed;
  expect(seen.slice(0, 2)).toEqual(['accepted', 'ready']);
  expect(seen.at(-1)).toMatch(/^closed: .*renegotiation/);
});

test('what is no TLS ends the connection before it was ready', async () => {
  const socket = await raw();
  socket.write('OPTIONS sip:a.example SIP/2.0\r\n\r\n');
  await closed;
  expect(seen).toHaveLength(2);
  expect(seen[0]).toBe('accepted');
  expect(seen[1]).toMatch(/^closed/);
});

test('a record that was tampered with ends a connection that was ready', async () => {
  const { socket, below } = await client();
  socket.write('hello');
  await once(socket, 'data');
  below.write(Buffer.from([0x17, 3, 3, 0, 32, ...Buffer.alloc(32, 7)]));
  await closed;
  expect(seen.slice(0, 3)).toEqual(['accepted', 'ready', 'hello']);
  expect(seen.at(-1)).toMatch(/^closed: /);
});

test('a client that goes in the middle of its handshake leaves nothing behind', async () => {
  const socket = await raw();
  socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
  socket.end();
  await closed;
  expect(seen[0]).toBe('accepted');
  expect(seen).toHaveLength(2);
});
