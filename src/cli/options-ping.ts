// One OPTIONS to a SIP server by any transport, and the first line of its answer.
import { systemClock } from '../runtime/clock.ts';
import { type Endpoint, formatEndpoint, openDatagram } from '../runtime/datagram.ts';
import { systemRandom } from '../runtime/random.ts';
import { connectStream } from '../runtime/stream.ts';
import { createConnectTls } from '../runtime/tls-stream.ts';

export type PingTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

export const PING_TIMEOUT_MS = 2_000;
const RETRANSMIT_MS = 500;
const WRITE_BUFFER_BYTES = 10_000;

interface Question {
  readonly bytes: Uint8Array;
  /** Stands in its answer and in nothing else. */
  readonly mark: string;
}

const optionsOver = (transport: PingTransport, to: Endpoint, from: Endpoint): Question => {
  const mark = Buffer.from(systemRandom.bytes(12)).toString('hex');
  const target = formatEndpoint(to);
  const rows = [
    `OPTIONS sip:${target} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} ${formatEndpoint(from)};branch=z9hG4bK${mark};rport`,
    'Max-Forwards: 1',
    `From: <sip:ping@${target}>;tag=${mark}`,
    `To: <sip:${target}>`,
    `Call-ID: ${mark}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '\r\n',
  ];
  return { bytes: Buffer.from(rows.join('\r\n'), 'latin1'), mark };
};

/** A WebSocket that opens is answer enough: the OPTIONS would be served by what serves it over TCP. */
const upgradeAt = (to: Endpoint): Question => {
  const rows = [
    'GET / HTTP/1.1',
    `Host: ${formatEndpoint(to)}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${Buffer.from(systemRandom.bytes(16)).toString('base64')}`,
    'Sec-WebSocket-Protocol: sip',
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ];
  return { bytes: Buffer.from(rows.join('\r\n'), 'latin1'), mark: 'HTTP/1.1 ' };
};

type Answered = (line: string | undefined) => void;

const overUdp = async (to: Endpoint, answered: Answered): Promise<() => Promise<void>> => {
  let mark = '';
  const socket = await openDatagram(
    { host: to.host.includes(':') ? '::' : '0.0.0.0', port: 0 },
    {
      onMessage: (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        if (text.includes(mark)) answered(text.slice(0, text.indexOf('\r\n')));
      },
      onError: () => undefined, // port unreachable: the timeout tells
    },
  );
  const from = { host: to.host.includes(':') ? '::1' : '127.0.0.1', port: socket.local.port };
  const question = optionsOver('udp', to, from);
  mark = question.mark;
  // The timers do not keep the process alive; the open socket does.
  for (let sentMs = 0; sentMs < PING_TIMEOUT_MS; sentMs += RETRANSMIT_MS)
    systemClock.setTimer(sentMs, () => socket.send(question.bytes, to));
  return () => socket.close();
};

const overStream = async (
  transport: Exclude<PingTransport, 'udp'>,
  to: Endpoint,
  answered: Answered,
): Promise<() => Promise<void>> => {
  const plain = transport === 'tcp' || transport === 'ws';
  // Whether it is alive is asked here, not who vouches for it: a server's own address stands in no certificate.
  const connect = plain ? connectStream : createConnectTls({ ca: () => undefined, anybody: true });
  let text = '';
  let mark = '';
  const stream = await connect(to, {
    writeBufferBytesMax: WRITE_BUFFER_BYTES,
    signal: AbortSignal.timeout(PING_TIMEOUT_MS),
    onStream: () => ({
      onBytes: (bytes) => {
        text = (text + Buffer.from(bytes).toString('latin1')).slice(-WRITE_BUFFER_BYTES);
        if (text.includes(mark) && text.includes('\r\n')) answered(text.slice(0, text.indexOf('\r\n')));
      },
      onClose: () => answered(undefined),
    }),
  });
  const question =
    transport === 'ws' || transport === 'wss' ? upgradeAt(to) : optionsOver(transport, to, stream.local);
  mark = question.mark;
  stream.send(question.bytes);
  return async () => stream.destroy();
};

/** Resolves to the status line, or to undefined when none came in time or nobody listens. */
export async function optionsPing(transport: PingTransport, to: Endpoint): Promise<string | undefined> {
  let answered: Answered = () => undefined;
  const answer = new Promise<string | undefined>((resolve) => {
    answered = resolve;
  });
  const end = systemClock.setTimer(PING_TIMEOUT_MS, () => answered(undefined));
  let close: () => Promise<void>;
  try {
    close = await (transport === 'udp' ? overUdp(to, answered) : overStream(transport, to, answered));
  } catch {
    // Refused, or no TLS there: all that is asked is whether somebody answers.
    end.cancel();
    return undefined;
  }
  try {
    return await answer;
  } finally {
    end.cancel();
    await close();
  }
}
