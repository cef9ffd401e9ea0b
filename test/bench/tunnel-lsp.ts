// A lookup in LSP: FIND from peer to peer until one names the replicas, then QUERY (docs/sip-tunnel.md).
import { LspRpc } from '../../src/dht/rpc.ts';
import { closestTold } from '../../src/dht/serve.ts';
import type { Answer, Request } from '../../src/dht/types.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type OpenDatagram, openDatagram } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import {
  type Asked,
  type Asker,
  ENTRY,
  HOST,
  KEY,
  OTHERS,
  OVERLAY,
  peerAt,
  type Traffic,
} from './tunnel-form.ts';

const rpcWith = (handler: (request: Request) => Promise<Answer>, open: OpenDatagram = openDatagram): LspRpc =>
  new LspRpc(
    {
      openDatagram: open,
      clock: systemClock,
      random: systemRandom,
      handler,
      sizeEstimate: () => 1024,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host: HOST, port: 0 }, overlayId: OVERLAY, trusted: () => true },
  );

/** `count` members, each of which sends an asker on to the next; the last but one names the last as the replica. */
export const lspAsked = async (count: number): Promise<Asked> => {
  const answers: Answer[] = [];
  const rpcs = Array.from({ length: count }, (_, index) =>
    rpcWith(async ({ type }) =>
      type === 'query'
        ? { type: 'entries', entries: [ENTRY], replicas: [] }
        : (answers[index] ?? { type: 'error', code: 'retry', detail: '', peers: [] }),
    ),
  );
  for (const rpc of rpcs) await rpc.start();
  const peers = rpcs.map(({ local }, index) => peerAt(index, local));
  for (const [index] of rpcs.entries()) {
    const next = peers.slice(index + 1, index + 2);
    const replicas = [...next, ...OTHERS.slice(0, 2)];
    // As many as a member tells, the next one among them.
    const told = closestTold(KEY, OTHERS).slice(1);
    answers.push(
      index >= count - 2
        ? { type: 'found', replicas, closest: [] }
        : { type: 'found', replicas: [], closest: [...next, ...told] },
    );
  }
  return {
    ports: rpcs.map(({ local }) => local.port),
    held: () => rpcs.reduce((sum, { held }) => sum + held.answerBytes + held.stageBytes, 0),
    stop: async () => void (await Promise.all(rpcs.map((rpc) => rpc.stop()))),
  };
};

/** `fresh`: without any cookie, as one who asks for the first time. */
export const lspAsker = async (fresh = false): Promise<Asker> => {
  const traffic: Traffic = { datagrams: 0, bytes: 0 };
  const count = (bytes: Uint8Array): void => {
    traffic.datagrams += 1;
    traffic.bytes += bytes.length;
  };
  const counted: OpenDatagram = async (bind, { onMessage, onError }) => {
    const port = await openDatagram(bind, {
      onError,
      onMessage(bytes, from) {
        count(bytes);
        onMessage(bytes, from);
      },
    });
    return {
      local: port.local,
      close: () => port.close(),
      send(bytes, to) {
        count(bytes);
        port.send(bytes, to);
      },
    };
  };
  const start = async (): Promise<LspRpc> => {
    const rpc = rpcWith(async () => ({ type: 'pong' }), counted);
    await rpc.start();
    return rpc;
  };
  const kept = await start();
  const ask = async (rpc: LspRpc, port: number, request: Request): Promise<Answer> => {
    const outcome = await rpc.call({ host: HOST, port }, request);
    if (!outcome.ok) throw new Error(`LSP: ${outcome.code}`);
    return outcome.answer;
  };
  return {
    traffic,
    held: () => 0,
    stop: () => kept.stop(),
    async lookup(ports) {
      const rpc = fresh ? await start() : kept;
      let port = ports[0] ?? 0;
      for (let step = 1; step < ports.length; step += 1) {
        const answer = await ask(rpc, port, { type: 'find', key: KEY });
        const next = answer.type === 'found' ? (answer.replicas[0] ?? answer.closest[0]) : undefined;
        port = next?.endpoints[0]?.port ?? 0;
      }
      const answer = await ask(rpc, port, { type: 'query', key: KEY });
      if (answer.type !== 'entries' || answer.entries.length !== 1) throw new Error('LSP: no binding');
      if (fresh) await rpc.stop();
    },
  };
};
