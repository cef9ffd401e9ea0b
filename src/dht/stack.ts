// What a member and a client of the overlay begin with: requests over a socket, and an owner for what outlives a call.
import type { Identity } from '../record/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint, OpenDatagram } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { LspCrypto } from './crypto.ts';
import { PeerHealth } from './peer-health.ts';
import { LspRpc } from './rpc.ts';
import type { ResolveHost } from './seeds.ts';
import type { KnownPeer } from './speaker.ts';
import { Tasks } from './tasks.ts';
import type { RequestHandler } from './types.ts';

export interface StackDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly openDatagram: OpenDatagram;
  readonly resolveHost: ResolveHost;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Ed25519 if absent. */
  readonly crypto?: LspCrypto | undefined;
}

export interface StackOptions {
  readonly overlayId: string;
  /** Where our socket is bound; port 0 for any. */
  readonly listen: Endpoint;
  /** Sources that no rate limit holds back. */
  readonly trusted?: (host: string) => boolean;
}

export interface Stack {
  readonly rpc: LspRpc;
  readonly tasks: Tasks;
  readonly health: PeerHealth;
}

/** Operations left over after their answer (the third replica) beyond which nothing lingers. */
const LINGERING_MAX = 2000;

export const createStack = (
  deps: StackDeps & {
    readonly identity?: Identity;
    readonly handler: RequestHandler;
    readonly known?: KnownPeer;
    readonly sizeEstimate: () => number;
  },
  { overlayId, listen, trusted }: StackOptions,
): Stack => {
  const { clock, log } = deps;
  const onError = (task: string, error: unknown): void =>
    log.error({ task, err: messageOf(error) }, 'a background task failed');
  return {
    rpc: new LspRpc(deps, { bind: listen, overlayId, ...(trusted === undefined ? {} : { trusted }) }),
    tasks: new Tasks({ clock, onError }, { max: LINGERING_MAX }),
    health: new PeerHealth(clock),
  };
};
