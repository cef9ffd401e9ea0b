// A whole registrar that owns the domains of RFC 4475 and RFC 5118, and their messages sent to it over real sockets, one at a time.
import { connect } from 'node:net';
import {
  type DatagramPort,
  type Endpoint,
  formatEndpoint,
  openDatagram,
} from '../../src/runtime/datagram.ts';
import { makeDomain, startServer, type TestServer, trustOf } from './servers.ts';
import { SipClient } from './sip-client.ts';

/** What came back: a status and the whole answer, or nothing; over a stream also whether the server closed it. */
export interface Outcome {
  readonly status: number | 'nothing';
  readonly text: string;
  readonly closed: boolean;
}

export interface TortureWorld {
  readonly server: TestServer;
  readonly phone: SipClient;
  overUdp(message: Uint8Array): Promise<Outcome>;
  /** `host`: 127.0.0.1 or ::1. */
  overTcp(message: Uint8Array, host?: '127.0.0.1' | '::1'): Promise<Outcome>;
  /** A counter's sum over the series whose labels hold `label`. */
  count(name: string, label?: string): Promise<number>;
  close(): Promise<void>;
}

const DOMAINS = [
  'example.net',
  'example.org',
  'company.com',
  'chair-dnrc.example.com',
  'registrar.example.com',
  'host.example.net',
];

const outcome = (text: string, closed: boolean): Outcome => {
  const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
  return { status: status === undefined ? 'nothing' : Number(status), text, closed };
};

/** Without rport an answer goes to the port of sent-by: the one that a message wants to be told at. */
const sentByPort = (message: Uint8Array): number => {
  const text = Buffer.from(message)
    .toString('latin1')
    .replace(/\r\n[ \t]+/g, ' ');
  const port = /^(?:v|via)\s*:\s*SIP\s*\/\s*[\d.]+\s*\/\s*\w+\s+(?:\[[^\]]*\]|[^\s:;,]+)\s*:\s*(\d+)/im.exec(
    text,
  )?.[1];
  return port === undefined ? 5060 : Number(port);
};

/** Some address of 127.0.0.0/8 where the port is free. */
const bindSomewhere = async (
  port: number,
  onMessage: (bytes: Uint8Array) => void,
  attempts = 20,
): Promise<DatagramPort> => {
  const part = () => 1 + Math.floor(Math.random() * 250);
  try {
    return await openDatagram(
      { host: `127.${part()}.${part()}.${part()}`, port },
      { onMessage, onError: () => undefined },
    );
  } catch (error) {
    if (attempts === 1) throw error;
    return bindSomewhere(port, onMessage, attempts - 1);
  }
};

/** What a stream may say after its first answer, or before it is closed, comes within a few turns of the loop. */
const FENCE = 'Call-ID: torture-fence';

export const tortureWorld = async (): Promise<TortureWorld> => {
  const domain = makeDomain('example.com');
  const none = async () => ({ kind: 'none' as const });
  const server = await startServer({
    domain,
    trust: trustOf([domain]),
    config: {
      publication: 'local',
      aliases: DOMAINS,
      sip: {
        listen: [
          'udp:127.0.0.1:0',
          'tcp:127.0.0.1:0',
          'tcp:[::1]:0',
          // RFC 5118 calls its server 2001:db8::10, once with port 5070.
          'udp:127.0.0.1:0=[2001:db8::10]:5060',
          'udp:127.0.0.1:0=[2001:db8::10]:5070',
          'udp:127.0.0.1:0=[2001:db8::c000:201]:5060',
        ],
      },
    },
    // Some messages are for elsewhere: nowhere to send them, said at once.
    world: {
      dns: { naptr: none, srv: none, addresses: none },
      connectStream: () => Promise.reject(new Error('nowhere')),
    },
  });
  await server.app.ready;
  const phone = await SipClient.open();
  const six = server.app.addresses.sip.find((one) => one.startsWith('tcp:[::1]')) ?? '';
  const sixPort = Number(six.slice(six.lastIndexOf(':') + 1));
  let fences = 0;
  /** A request of ours is answered: what was sent before it has been looked at, and the server lives. */
  const fence = async (): Promise<void> => {
    const answer = await phone.ask(server.sip, {
      method: 'OPTIONS',
      uri: 'sip:example.com',
      from: 'sip:fence@example.com',
      to: 'sip:example.com',
    });
    if (answer.status !== 200) throw new Error(`the fence got ${answer.status}`);
  };
  return {
    server,
    phone,
    async overUdp(message) {
      const received: string[] = [];
      let heard: () => void = () => undefined;
      const socket = await bindSomewhere(sentByPort(message), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        if (/^SIP\/2\.0 1/.test(text)) return;
        received.push(text);
        heard();
      });
      try {
        const first = new Promise<void>((resolve) => {
          heard = resolve;
        });
        socket.send(message, server.sip);
        // A lookup takes some turns, so the fence may be answered first; twice as long is enough for what is local.
        const quiet = (async () => {
          for (let turns = 0; turns < 3; turns += 1) await fence();
        })();
        await Promise.race([first, quiet]);
        await quiet;
        return outcome(received[0] ?? '', false);
      } finally {
        await socket.close();
      }
    },
    async overTcp(message, host = '127.0.0.1') {
      const to: Endpoint = host === '::1' ? { host, port: sixPort } : server.tcp;
      const socket = connect({ host: to.host, port: to.port });
      let text = '';
      let closed = false;
      fences += 1;
      const after =
        `OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP fence.invalid;branch=z9hG4bKtorture${fences}\r\n` +
        `From: <sip:f@example.com>;tag=f\r\nTo: <sip:example.com>\r\n${FENCE}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
      const done = new Promise<void>((resolve) => {
        socket.on('data', (bytes: Buffer) => {
          text += bytes.toString('latin1');
          // The fence's own answer, and the one before it, which may have had to wait for a lookup.
          if (text.includes(FENCE) && /^SIP\/2\.0 [2-6]/m.test(text.slice(0, text.lastIndexOf('SIP/2.0 2'))))
            resolve();
        });
        socket.on('error', () => undefined);
        socket.on('close', () => {
          closed = true;
          resolve();
        });
      });
      socket.write(message);
      socket.write(after);
      const quiet = (async () => {
        for (let turns = 0; turns < 5; turns += 1) await fence();
      })();
      await Promise.race([done, quiet]);
      await quiet;
      const finals = text
        .split(/(?=^SIP\/2\.0 )/m)
        .filter((one) => !/^SIP\/2\.0 1/.test(one) && !one.includes(FENCE));
      socket.destroy();
      return outcome(finals[0] ?? '', closed);
    },
    async count(name, label = '') {
      const text = await (await fetch(`http://${formatEndpoint(server.admin)}/metrics`)).text();
      let sum = 0;
      for (const line of text.split('\n'))
        if (line.startsWith(name) && line.includes(label))
          sum += Number(line.slice(line.lastIndexOf(' ') + 1));
      return sum;
    },
    async close() {
      await phone.close();
      await server.app.stop();
    },
  };
};
