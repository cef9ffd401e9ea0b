// A phone with one connection, over TCP, TLS or WebSocket: asks, is answered on it, and knows whose certificate it saw.
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { type Endpoint, formatEndpoint } from '../../src/runtime/datagram.ts';
import { parseAnswer, type SipAnswer, type SipAsk } from './sip-client.ts';
import { webSocketPeer } from './web-socket-peer.ts';

export type PhoneTransport = 'tcp' | 'tls' | 'ws' | 'wss';

/** One message in, one message out, whatever lies between. */
interface Line {
  send(message: string): void;
  onMessage(take: (text: string) => void): void;
  readonly local: Endpoint;
  /** SHA-256 of the certificate that the server showed; empty without one. */
  readonly fingerprint: string;
  readonly closed: Promise<void>;
  close(): void;
}

/** Cuts a stream of answers without bodies of any size into messages. */
const cutter = (take: (text: string) => void) => {
  let kept = '';
  return (bytes: Buffer): void => {
    kept += bytes.toString('latin1');
    for (;;) {
      const end = kept.indexOf('\r\n\r\n');
      const length = Number(/^Content-Length: *(\d+)/im.exec(kept)?.[1] ?? 0);
      if (end < 0 || kept.length < end + 4 + length) return;
      take(kept.slice(0, end + 4 + length));
      kept = kept.slice(end + 4 + length);
    }
  };
};

const streamLine = (socket: Socket): Line => ({
  send: (message) => void socket.write(Buffer.from(message, 'latin1')),
  onMessage: (take) => void socket.on('data', cutter(take)),
  local: { host: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  fingerprint: socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : '',
  closed: new Promise((resolve) => socket.on('close', () => resolve())),
  close: () => void socket.destroy(),
});

const openStream = (transport: 'tcp' | 'tls', { host, port }: Endpoint, trust: Trust): Promise<Line> =>
  new Promise((resolve, reject) => {
    const socket =
      transport === 'tcp'
        ? connectTcp({ host, port })
        : connectTls({ host, port, ca: trust.ca, servername: trust.serverName });
    socket.on('error', reject);
    socket.once(transport === 'tcp' ? 'connect' : 'secureConnect', () => resolve(streamLine(socket)));
  });

const openWebSocket = async (transport: 'ws' | 'wss', to: Endpoint, trust: Trust): Promise<Line> => {
  const peer = await webSocketPeer(`${transport}://${formatEndpoint(to)}`, {
    ca: trust.ca,
    servername: trust.serverName,
  });
  return {
    send: (message) => peer.send(message),
    onMessage: (take) => void peer.socket.on('message', (data: Buffer) => take(data.toString('latin1'))),
    local: { host: 'df7jal23ls0d.invalid', port: 5060 },
    fingerprint: '',
    closed: peer.closed.then(() => undefined),
    close: () => peer.socket.terminate(),
  };
};

export interface Trust {
  /** PEM. */
  readonly ca: string;
  readonly serverName: string;
}

const VIA: Readonly<Record<PhoneTransport, string>> = { tcp: 'TCP', tls: 'TLS', ws: 'WS', wss: 'WSS' };

export class StreamPhone {
  readonly #line: Line;
  readonly #via: string;
  readonly #waiting = new Map<string, (answer: SipAnswer) => void>();
  #count = 0;
  #open = true;

  private constructor(line: Line, transport: PhoneTransport) {
    this.#line = line;
    this.#via = `SIP/2.0/${VIA[transport]} ${formatEndpoint(line.local)}`;
    void line.closed.then(() => {
      this.#open = false;
    });
    line.onMessage((text) => {
      const answer = parseAnswer(text);
      const branch = /branch=([^;\s]+)/.exec(answer.header('via')[0] ?? '')?.[1] ?? '';
      if (answer.status >= 200) this.#waiting.get(branch)?.(answer);
    });
  }

  static async open(transport: PhoneTransport, to: Endpoint, trust: Trust): Promise<StreamPhone> {
    const line =
      transport === 'ws' || transport === 'wss'
        ? await openWebSocket(transport, to, trust)
        : await openStream(transport, to, trust);
    return new StreamPhone(line, transport);
  }

  get local(): Endpoint {
    return this.#line.local;
  }

  get fingerprint(): string {
    return this.#line.fingerprint;
  }

  /** False once the server has closed. */
  get open(): boolean {
    return this.#open;
  }

  close(): void {
    this.#line.close();
  }

  /** The final answer on this connection; rejects if it is closed before. */
  ask(ask: SipAsk): Promise<SipAnswer> {
    this.#count += 1;
    const branch = `z9hG4bK${this.#line.local.port}s${this.#count}`;
    const callId = ask.callId ?? `${branch}@test`;
    const message = [
      `${ask.method} ${ask.uri} SIP/2.0`,
      `Via: ${this.#via};branch=${branch}`,
      'Max-Forwards: 70',
      `From: <${ask.from}>;tag=t${this.#count}`,
      `To: <${ask.to}>`,
      `Call-ID: ${callId}`,
      `CSeq: ${ask.cseq ?? 1} ${ask.method}`,
      ...(ask.headers ?? []),
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n');
    return new Promise((resolve, reject) => {
      this.#waiting.set(branch, (answer) => {
        this.#waiting.delete(branch);
        resolve(answer);
      });
      void this.#line.closed.then(() => reject(new Error(`closed before ${ask.method} was answered`)));
      this.#line.send(message);
    });
  }
}
