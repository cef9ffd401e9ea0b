// A SIP user agent over one UDP socket, as little as tests need: sends a request, repeats it as RFC 3261 §17.1 does,
// and resolves with the final answer. Many users share it.
import { createHash } from 'node:crypto';
import {
  type DatagramPort,
  type Endpoint,
  formatEndpoint,
  openDatagram,
} from '../../src/runtime/datagram.ts';

export interface SipAnswer {
  readonly status: number;
  readonly text: string;
  /** Values of a header, in order, one a row. */
  header(name: string): readonly string[];
}

export interface SipAsk {
  readonly method: string;
  readonly uri: string;
  readonly from: string;
  readonly to: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly headers?: readonly string[];
}

const T1_MS = 500;
const T2_MS = 4_000;
const GIVE_UP_MS = 32_000;

/** An answer as it came. */
export const parseAnswer = (bytes: Uint8Array | string): SipAnswer => {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
  const rows = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return {
    status: Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0),
    text,
    header: (name) =>
      rows
        .filter((row) => row.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        .map((row) => row.slice(name.length + 1).trim()),
  };
};

type Waiting = Map<string, { readonly onAnswer: (answer: SipAnswer) => void; readonly stop: () => void }>;

export class SipClient {
  readonly #socket: DatagramPort;
  readonly #waiting: Waiting;
  /** Distinct per process and socket, deterministic within. */
  #count = 0;

  private constructor(socket: DatagramPort, waiting: Waiting) {
    this.#socket = socket;
    this.#waiting = waiting;
  }

  static async open(host = '127.0.0.1'): Promise<SipClient> {
    const waiting: Waiting = new Map();
    const socket = await openDatagram(
      { host, port: 0 },
      {
        onMessage: (bytes) => {
          const answer = parseAnswer(bytes);
          const branch = /branch=([^;\s]+)/.exec(answer.header('via')[0] ?? '')?.[1] ?? '';
          if (answer.status >= 200) waiting.get(branch)?.onAnswer(answer);
        },
        onError: () => undefined,
      },
    );
    return new SipClient(socket, waiting);
  }

  get local(): Endpoint {
    return this.#socket.local;
  }

  async close(): Promise<void> {
    for (const { stop } of this.#waiting.values()) stop();
    this.#waiting.clear();
    await this.#socket.close();
  }

  /** The final answer; rejects when none comes within `giveUpMs` (32 s: timers B and F). */
  ask(server: Endpoint, ask: SipAsk, giveUpMs = GIVE_UP_MS): Promise<SipAnswer> {
    this.#count += 1;
    const branch = `z9hG4bK${this.#socket.local.port}x${this.#count}`;
    const callId = ask.callId ?? `${branch}@test`;
    const rows = [
      `${ask.method} ${ask.uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${formatEndpoint(this.#socket.local)};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: <${ask.from}>;tag=t${this.#count}`,
      `To: <${ask.to}>`,
      `Call-ID: ${callId}`,
      `CSeq: ${ask.cseq ?? 1} ${ask.method}`,
      ...(ask.headers ?? []),
      'Content-Length: 0',
      '\r\n',
    ];
    const bytes = Buffer.from(rows.join('\r\n'), 'latin1');
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout;
      const stop = (): void => {
        clearTimeout(timer);
        clearTimeout(end);
        this.#waiting.delete(branch);
      };
      const end = setTimeout(() => {
        stop();
        reject(new Error(`no answer to ${ask.method} ${ask.uri} within ${giveUpMs} ms`));
      }, giveUpMs);
      const send = (waitMs: number): void => {
        this.#socket.send(bytes, server);
        timer = setTimeout(() => send(Math.min(T2_MS, 2 * waitMs)), waitMs);
      };
      this.#waiting.set(branch, {
        stop,
        onAnswer: (answer) => {
          stop();
          if (ask.method === 'INVITE') this.#acknowledge(server, ask, answer, branch, callId);
          resolve(answer);
        },
      });
      send(T1_MS);
    });
  }

  #acknowledge(server: Endpoint, ask: SipAsk, answer: SipAnswer, branch: string, callId: string): void {
    const rows = [
      `ACK ${ask.uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${formatEndpoint(this.#socket.local)};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: ${answer.header('from')[0]}`,
      `To: ${answer.header('to')[0]}`,
      `Call-ID: ${callId}`,
      `CSeq: ${ask.cseq ?? 1} ACK`,
      'Content-Length: 0',
      '\r\n',
    ];
    this.#socket.send(Buffer.from(rows.join('\r\n'), 'latin1'), server);
  }

  /** REGISTER of `aor` at `server`, without credentials. */
  register(
    server: Endpoint,
    aor: string,
    options: {
      contact?: string;
      expires?: number;
      callId?: string;
      cseq?: number;
      domain?: string;
      giveUpMs?: number;
    } = {},
  ): Promise<SipAnswer> {
    const domain = options.domain ?? aor.slice(aor.indexOf('@') + 1);
    const ask = {
      method: 'REGISTER',
      uri: `sip:${domain}`,
      from: aor,
      to: aor,
      callId: options.callId ?? `reg-${aor}`,
      cseq: options.cseq ?? 1,
      headers: [
        ...(options.contact === undefined ? [] : [`Contact: ${options.contact}`]),
        ...(options.expires === undefined ? [] : [`Expires: ${options.expires}`]),
      ],
    };
    return this.ask(server, ask, options.giveUpMs);
  }

  /** INVITE for `aor` at `server`. */
  invite(server: Endpoint, aor: string, from = 'sip:caller@elsewhere.example'): Promise<SipAnswer> {
    return this.ask(server, { method: 'INVITE', uri: aor, from, to: aor });
  }
}

/** The digest of RFC 2617/7616 for a challenge; `algorithm` as the challenge says. */
export function digestHeader(
  challenge: string,
  who: { user: string; password: string; method: string; uri: string },
  name: 'Authorization' | 'Proxy-Authorization' = 'Authorization',
): string {
  const field = (key: string): string => new RegExp(`${key}="?([^",]+)"?`).exec(challenge)?.[1] ?? '';
  const algorithm = field('algorithm') || 'MD5';
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const [realm, nonce, cnonce, nc] = [field('realm'), field('nonce'), '0a4f113b', '00000001'];
  const ha1 = hash(`${who.user}:${realm}:${who.password}`);
  const ha2 = hash(`${who.method}:${who.uri}`);
  const response = hash(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`);
  return `${name}: Digest username="${who.user}", realm="${realm}", nonce="${nonce}", uri="${who.uri}", response="${response}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="${cnonce}"`;
}

/** Runs `work` for 0…count-1, at most `atOnce` under way. */
export async function inParallel(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
}
