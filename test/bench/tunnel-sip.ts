// The same lookup in REGISTER requests, as dSIP carried it: each peer answers 302 with the next, the last one 200 with the
// binding; every request a non-INVITE transaction of RFC 3261 at both ends (docs/sip-tunnel.md says where the form is from).

import { closestTold } from '../../src/dht/serve.ts';
import type { Peer } from '../../src/dht/types.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type DatagramPort, type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Retransmitter, type Silence } from '../../src/sip/client-transaction.ts';
import { writeReply, writeRequest } from '../../src/sip/codec.ts';
import { readMessage } from '../../src/sip/reader.ts';
import type { Flow, HeaderRow, Reply, SipMessage } from '../../src/sip/types.ts';
import { answerPort, stampVia, transactionKey } from '../../src/sip/via.ts';
import {
  type Asked,
  type Asker,
  ENTRY,
  HOST,
  KEY,
  OTHERS,
  peerAt,
  type Traffic,
  vectors,
} from './tunnel-form.ts';

/** RFC 3261 §17.2.2: "Timer J … 64*T1 seconds for unreliable transports"; §17.1.2.2: timer K is T4. */
const TIMER_J_MS = 32_000;
const TIMER_K_MS = 5_000;
/** As many as a FIND names: those that fit in one datagram of LSP (tunnel-lsp.ts). */
const TOLD = closestTold(KEY, OTHERS).length;
const AOR = 'bob@biloxi.com';

/** Answers or branches of transactions in "Completed", oldest first, let go of when their timer is over. */
class Completed<Value> {
  readonly #keepMs: number;
  // BOUNDED: by the transactions of `keepMs`, which is what is measured here.
  readonly #held = new Map<string, { readonly untilMs: number; readonly value: Value }>();

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get size(): number {
    return this.#held.size;
  }

  get(key: string): Value | undefined {
    return this.#held.get(key)?.value;
  }

  set(key: string, value: Value): void {
    const nowMs = systemClock.monoMs();
    for (const [old, { untilMs }] of this.#held) {
      if (untilMs > nowMs) break;
      this.#held.delete(old);
    }
    this.#held.set(key, { untilMs: nowMs + this.#keepMs, value });
  }
}

const peerUri = (id: string, { host, port }: Endpoint): string => `<sip:peer@${host}:${port};peer-ID=${id}>`;
const dhtPeer = (id: string, at: Endpoint): string =>
  `${peerUri(id, at)};algorithm=sha1;dht=Chord1.0;overlay=lsp;expires=600`;
const uriOf = (peer: Peer): string => peerUri(peer.id, peer.endpoints[0] ?? { host: HOST, port: 0 });
const signedAs = (peer: Peer): string => `;descriptor="${Buffer.from(peer.encoded).toString('base64')}"`;

const read = (bytes: Uint8Array): SipMessage | undefined => {
  const message = readMessage(bytes);
  return message.ok ? message.value : undefined;
};

/** `signed`: what LSP has signed is carried, too: descriptors as parameters, the entry as a body. */
export const sipAsked = async (count: number, signed: boolean): Promise<Asked> => {
  const completed = new Completed<Uint8Array>(TIMER_J_MS);
  const ports: DatagramPort[] = [];
  const replies: Reply[] = [];
  for (let index = 0; index < count; index += 1) {
    const port: DatagramPort = await openDatagram(
      { host: HOST, port: 0 },
      {
        onError: () => undefined,
        onMessage(bytes, from) {
          const message = read(bytes);
          if (message?.kind !== 'request') return;
          const key = `${index} ${transactionKey(message)}`;
          const stamped = stampVia(message, from);
          const to = { host: from.host, port: answerPort(stamped.vias[0], from) };
          const reply = replies[index];
          if (reply === undefined) return;
          // "while in the Completed state, the server transaction MUST pass the response to the transport layer".
          const answer = completed.get(key) ?? writeReply(stamped, reply, { toTag: key.slice(-8) });
          completed.set(key, answer);
          port.send(answer, to);
        },
      },
    );
    ports.push(port);
  }
  const peers = ports.map(({ local }, index) => peerAt(index, local));
  for (const [index, { local }] of ports.entries()) {
    const common = [
      ['DHT-PeerID', dhtPeer(peers[index]?.id ?? '', local)],
      ['Supported', 'dht'],
    ] as const;
    const next = peers[index + 1];
    // With signatures as many peers as FIND names; else one, and the links that were given for maintenance.
    const named = next === undefined ? [] : [next, ...OTHERS.slice(0, index >= count - 2 ? 2 : TOLD - 1)];
    const contacts = (signed ? named : named.slice(0, 1)).map((peer): readonly [string, string] => [
      'Contact',
      `${uriOf(peer)}${signed ? signedAs(peer) : ''}`,
    ]);
    const links = OTHERS.slice(0, 2).map((peer, at): readonly [string, string] => [
      'DHT-Link',
      `${uriOf(peer)};link=${at === 0 ? 'P1' : 'S1'};expires=600`,
    ]);
    replies.push(
      next === undefined
        ? {
            status: 200,
            headers: [['Contact', '<sip:bob@192.0.2.4>;expires=3600'], ...common],
            ...(signed ? { body: ENTRY } : {}),
          }
        : { status: 302, headers: [...contacts, ...common, ...(signed ? [] : links)] },
    );
  }
  return {
    ports: ports.map(({ local }) => local.port),
    held: () => completed.size,
    stop: async () => void (await Promise.all(ports.map((port) => port.close()))),
  };
};

const row = (as: string, value: string): HeaderRow => ({ name: as.toLowerCase(), as, value });
const token = (): string => Buffer.from(systemRandom.bytes(12)).toString('hex');

export const sipAsker = async (): Promise<Asker> => {
  const traffic: Traffic = { datagrams: 0, bytes: 0 };
  const completed = new Completed<true>(TIMER_K_MS);
  const retransmitter = new Retransmitter({ clock: systemClock }, { max: 10_000 });
  // BOUNDED: by the lookups under way.
  const waiting = new Map<string, (answer: SipMessage) => void>();
  const port: DatagramPort = await openDatagram(
    { host: HOST, port: 0 },
    {
      onError: () => undefined,
      onMessage(bytes) {
        traffic.datagrams += 1;
        traffic.bytes += bytes.length;
        const message = read(bytes);
        if (message?.kind !== 'response') return;
        const branch = message.vias[0].params.find(({ name }) => name === 'branch')?.value ?? '';
        if (completed.get(branch) !== undefined) return;
        retransmitter.onResponse(branch, message.status);
        completed.set(branch, true);
        waiting.get(branch)?.(message);
        waiting.delete(branch);
      },
    },
  );
  const { local } = port;
  const self = peerAt(99, local);
  const flowTo = (remote: Endpoint): Flow => ({
    transport: 'udp',
    local,
    advertised: local,
    remote,
    open: true,
    send(bytes) {
      traffic.datagrams += 1;
      traffic.bytes += bytes.length;
      port.send(bytes, remote);
      return true;
    },
  });
  const register = (to: Endpoint): Promise<SipMessage> =>
    new Promise((resolve, reject) => {
      const branch = `z9hG4bK${token()}`;
      const bytes = writeRequest({
        method: 'REGISTER',
        uri: `sip:${to.host}:${to.port}`,
        rows: [
          row('Via', `SIP/2.0/UDP ${HOST}:${local.port};branch=${branch}`),
          row('Max-Forwards', '70'),
          row('From', `${uriOf(self)};tag=${token().slice(0, 8)}`),
          row('To', `<sip:${AOR};resource-ID=${vectors.derived.key}>`),
          row('Call-ID', `${token()}@${HOST}`),
          row('CSeq', '1 REGISTER'),
          row('DHT-PeerID', dhtPeer(self.id, local)),
          row('Require', 'dht'),
          row('Supported', 'dht'),
        ],
        body: new Uint8Array(),
      });
      waiting.set(branch, resolve);
      const onSilence = (what: Silence): void => {
        if (what === 'timeout') reject(new Error('SIP: timer F'));
      };
      retransmitter.send({ bytes, flow: flowTo(to), key: branch, method: 'REGISTER', onSilence });
    });
  return {
    traffic,
    held: () => completed.size,
    async stop() {
      retransmitter.stop();
      await port.close();
    },
    async lookup(ports) {
      let next = ports[0] ?? 0;
      for (;;) {
        const answer = await register({ host: HOST, port: next });
        const contact = answer.rows.find(({ name }) => name === 'contact')?.value ?? '';
        if (answer.kind === 'response' && answer.status === 200) {
          if (!contact.includes('192.0.2.4')) throw new Error('SIP: no binding');
          return;
        }
        next = Number(/@[\d.]+:(\d+)/.exec(contact)?.[1] ?? 0);
      }
    },
  };
};
