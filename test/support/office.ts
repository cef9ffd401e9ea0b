// A whole registrar of biloxi.com on loopback, its clock in the test's hand, and the phones that talk to it by the byte.
import { expect } from 'vitest';
import { digestHa1 } from '../../src/auth/digest.ts';
import type { UserLine } from '../../src/auth/user-line.ts';
import { type Endpoint, formatEndpoint } from '../../src/runtime/datagram.ts';
import type { World } from '../../src/runtime/world.ts';
import { corpusFolder } from './corpus.ts';
import { ManualClock } from './manual-clock.ts';
import { makeDomain, startServer, type TestServer, trustOf } from './servers.ts';
import { digestHeader, parseAnswer, type SipAnswer } from './sip-client.ts';
import { tcpPeer, udpPeer } from './sip-peers.ts';
import { type RequestText, requestText } from './sip-request.ts';

const REALM = 'biloxi.com';
const PASSWORDS = { alice: 'wonderland', bob: 'zanzibar' } as const;
type User = keyof typeof PASSWORDS;

/** A phone that says what it is told, and hears every answer in order. */
export interface OfficePhone {
  readonly local: Endpoint;
  /** Sends a request, as fields or as it stands. */
  tell(asked: RequestText | string | Uint8Array): void;
  /** The next message that comes. */
  next(): Promise<SipAnswer>;
  ask(asked: RequestText | string | Uint8Array): Promise<SipAnswer>;
  /** True if the server says nothing to it: a question after it is answered first. */
  unanswered(asked: RequestText | string | Uint8Array): Promise<boolean>;
  /** REGISTER, 401, REGISTER with the password: the last answer. */
  register(user: User, asked?: RequestText & { readonly password?: string }): Promise<SipAnswer>;
  /** The same for a request that is forwarded: 407 and Proxy-Authorization. */
  askAs(user: User, asked: RequestText): Promise<SipAnswer>;
}

export interface Office {
  readonly server: TestServer;
  readonly clock: ManualClock;
  phone(): Promise<OfficePhone>;
  /** Over one connection; `closed` once the server has seen or made its end. */
  tcpPhone(): Promise<OfficePhone & { readonly closed: Promise<void>; hangUp(): void }>;
  /** Somebody else on the network, whose datagrams the test answers itself. */
  peer(): ReturnType<typeof udpPeer>;
  close(): Promise<void>;
}

export interface OfficeOptions {
  readonly algorithms?: readonly ('MD5' | 'SHA-256')[];
  readonly nonceSecret?: Uint8Array;
  readonly config?: Record<string, unknown>;
  readonly world?: Partial<World>;
  /** Nobody is asked for a password, and everybody exists. */
  readonly open?: boolean;
}

const usersOf = (algorithms: readonly ('MD5' | 'SHA-256')[]): readonly UserLine[] =>
  Object.entries(PASSWORDS).flatMap(([user, password]) =>
    algorithms.map((algorithm) => ({
      kind: 'password' as const,
      user,
      realm: REALM,
      algorithm,
      ha1: digestHa1(algorithm, { user, realm: REALM, password }),
    })),
  );

const none = async () => ({ kind: 'none' as const });

export const openOffice = async (options: OfficeOptions = {}): Promise<Office> => {
  const clock = new ManualClock();
  const algorithms = options.algorithms ?? ['MD5'];
  const domain = makeDomain(REALM);
  const server = await startServer({
    domain,
    trust: trustOf([domain]),
    users: options.open === true ? undefined : usersOf(algorithms),
    ...(options.nonceSecret === undefined ? {} : { nonceSecret: options.nonceSecret }),
    config: {
      publication: 'local',
      ...options.config,
      sip: {
        ...(options.config?.['sip'] as object | undefined),
        ...(options.open === true ? {} : { auth: { usersFile: 'given', algorithms } }),
      },
    },
    world: { clock, dns: { naptr: none, srv: none, addresses: none }, ...options.world },
  });
  const closers: (() => Promise<void> | void)[] = [];
  let count = 0;

  /** The phone over a way to send and a way to hear. */
  const phoneOver = (
    transport: 'UDP' | 'TCP',
    local: Endpoint,
    send: (message: string | Uint8Array) => void,
    hear: () => Promise<string>,
  ): OfficePhone => {
    const next = async (): Promise<SipAnswer> => parseAnswer(await hear());
    const textOf = (asked: RequestText): string => {
      count += 1;
      return requestText({
        via: `SIP/2.0/${transport} ${formatEndpoint(local)};branch=z9hG4bKphone${count};rport`,
        callId: `call-${count}`,
        uri: `sip:bob@${REALM}`,
        from: `<sip:alice@${REALM}>;tag=a${count}`,
        to: `<sip:bob@${REALM}>${asked.toTag === undefined ? '' : `;tag=${asked.toTag}`}`,
        ...asked,
      });
    };
    const tell = (asked: RequestText | string | Uint8Array): void =>
      send(typeof asked === 'string' || asked instanceof Uint8Array ? asked : textOf(asked));
    const ask = (asked: RequestText | string | Uint8Array): Promise<SipAnswer> => {
      tell(asked);
      return next();
    };
    const withPassword = async (
      asked: RequestText,
      who: { user: User; password: string; proxy: boolean },
    ): Promise<SipAnswer> => {
      count += 1;
      const callId = asked.callId ?? `call-${count}`;
      const cseq = asked.cseq ?? 1;
      const first = await ask({ ...asked, callId, cseq });
      if (first.status !== (who.proxy ? 407 : 401)) return first;
      const [challenge = ''] = first.header(who.proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
      const row = digestHeader(
        challenge,
        {
          user: who.user,
          password: who.password,
          method: asked.method ?? 'INVITE',
          uri: asked.uri ?? `sip:bob@${REALM}`,
        },
        who.proxy ? 'Proxy-Authorization' : 'Authorization',
      );
      return ask({ ...asked, callId, cseq: cseq + 1, headers: [...(asked.headers ?? []), row] });
    };
    return {
      local,
      tell,
      next,
      ask,
      async unanswered(asked) {
        tell(asked);
        const fence = `fence-${++count}`;
        const answer = await ask({ method: 'OPTIONS', uri: `sip:${REALM}`, callId: fence });
        return answer.header('Call-ID')[0] === fence;
      },
      register: (user, { password = PASSWORDS[user], ...asked } = {}) =>
        withPassword(
          {
            method: 'REGISTER',
            uri: `sip:${REALM}`,
            from: `<sip:${user}@${REALM}>;tag=r`,
            to: `<sip:${user}@${REALM}>`,
            ...asked,
          },
          { user, password, proxy: false },
        ),
      askAs: (user, asked) =>
        withPassword(
          { from: `<sip:${user}@${REALM}>;tag=f`, ...asked },
          { user, password: PASSWORDS[user], proxy: true },
        ),
    };
  };

  const peer = async (): ReturnType<typeof udpPeer> => {
    const socket = await udpPeer();
    closers.push(() => socket.close());
    return socket;
  };
  return {
    server,
    clock,
    peer,
    async phone() {
      const socket = await peer();
      return phoneOver(
        'UDP',
        socket.local,
        (message) => socket.send(message, server.sip),
        async () => (await socket.next()).text,
      );
    },
    async tcpPhone() {
      const socket = await tcpPeer(server.tcp);
      closers.push(() => socket.stream.destroy());
      let read = 0;
      const hear = async (): Promise<string> => {
        const before = read;
        const all = await socket.until(new RegExp(`^[\\s\\S]{${before}}[\\s\\S]*?\\r\\n\\r\\n`));
        read = all.indexOf('\r\n\r\n', before) + 4;
        return all.slice(before, read);
      };
      return {
        ...phoneOver('TCP', socket.stream.local, (message) => socket.send(message), hear),
        closed: socket.closed,
        hangUp: () => socket.stream.destroy(),
      };
    },
    async close() {
      for (const close of closers) await close();
      const stopped = server.app.stop();
      // What waits for a while at the end waits on this clock.
      clock.advance(60_000);
      await stopped;
    },
  };
};

/** Asks, and looks at the status and at the headers named (their rows joined by a comma). */
export const gets = async (
  phone: OfficePhone,
  asked: RequestText | string | Uint8Array,
  status: number,
  headers: Readonly<Record<string, RegExp>> = {},
): Promise<SipAnswer> => {
  const answer = await phone.ask(asked);
  expect(`${answer.status} ${answer.text.split('\r\n', 1)[0]}`).toMatch(new RegExp(`^${status} `));
  for (const [name, pattern] of Object.entries(headers)) expect(answer.header(name).join()).toMatch(pattern);
  return answer;
};

/** A message that a real phone sent to `sip.test`, or to 127.0.0.1:35060: the same to this server, its alias sip.test. */
export const captured = (name: string, server: Endpoint): string => {
  const [file, ...more] = corpusFolder('real').filter((one) => one.file.startsWith(`real/${name}`));
  if (file === undefined || more.length > 0)
    throw new Error(`${more.length + 1} captures begin with ${name}`);
  return Buffer.from(file.bytes).toString('latin1').replaceAll('127.0.0.1:35060', formatEndpoint(server));
};

/** DNS that is asked and does not answer: what waits for it stays under way. */
export const silentDns: World['dns'] = {
  naptr: () => new Promise(() => undefined),
  srv: () => new Promise(() => undefined),
  addresses: () => new Promise(() => undefined),
};
