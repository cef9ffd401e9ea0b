// Peers whose answers the test writes: for the paths that ask replicas, without sockets or rings.
import type { Ask } from '../../src/dht/courier.ts';
import type { Answer, CallOutcome, Peer, Request } from '../../src/dht/types.ts';
import { hashToId, type Id } from '../../src/record/id.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { delay } from '../../src/runtime/clock.ts';

export const peerNamed = (name: string, id: Id = hashToId(Buffer.from(name))): Peer => ({
  id,
  domain: `${name}.example`,
  selector: 0,
  vnode: 0,
  publicKey: new Uint8Array(32),
  endpoints: [{ host: '127.0.0.1', port: 1 + (Number.parseInt(id.slice(0, 4), 16) % 60_000) }],
  bootSequence: 1,
  encoded: new Uint8Array(0),
});

/** An id that begins with `hex`, zeros after: places on the ring that can be read. */
export const idAt = (hex: string): Id => hex.padEnd(40, '0') as Id;

export const problem = (
  code: Extract<Answer, { type: 'error' }>['code'],
  peers: readonly Peer[] = [],
): Answer => ({ type: 'error', code, detail: 'as the test says', peers });

/** What a peer answers, how often it was asked, or 'silent' for a timeout after `timeoutMs`. */
export type Behaviour = (request: Request, times: number) => Answer | 'silent';

/** Another life is another process, at another address perhaps. */
const lifeOf = ({ id, bootSequence }: Peer): string => `${id} ${bootSequence}`;

export interface FakePeers {
  readonly ask: Ask;
  /** Names of those asked, in order. */
  readonly asked: string[];
  /** `afterMs`: it takes so long to answer, instead of the round trip of all. */
  behave(peer: Peer, behaviour: Behaviour, options?: { readonly afterMs?: number }): void;
}

export const fakePeers = (clock: Clock, options: { rttMs?: number; timeoutMs?: number } = {}): FakePeers => {
  const { rttMs = 10, timeoutMs = 1000 } = options;
  // BOUNDED: by the test.
  const behaviours = new Map<string, Behaviour>();
  const times = new Map<string, number>();
  const answerMs = new Map<string, number>();
  const asked: string[] = [];
  const silence: CallOutcome = { ok: false, code: 'timeout' };
  return {
    asked,
    behave(peer, behaviour, { afterMs = rttMs } = {}) {
      behaviours.set(lifeOf(peer), behaviour);
      answerMs.set(lifeOf(peer), afterMs);
    },
    async ask(peer, request) {
      const count = (times.get(lifeOf(peer)) ?? 0) + 1;
      times.set(lifeOf(peer), count);
      asked.push(peer.domain.replace('.example', ''));
      const answer = behaviours.get(lifeOf(peer))?.(request, count) ?? 'silent';
      const tookMs = answerMs.get(lifeOf(peer)) ?? rttMs;
      await delay(clock, answer === 'silent' ? timeoutMs : tookMs);
      if (answer === 'silent') return silence;
      return {
        ok: true,
        answer,
        meta: { from: { host: '127.0.0.1', port: 1 }, rttMs: tookMs, sizeEstimate: 5 },
      };
    },
  };
};
