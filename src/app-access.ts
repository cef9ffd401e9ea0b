// Who may do what, as the configuration asks for it: users and their aliases, digest, and the peers that are trusted.
import { createHmac } from 'node:crypto';
import { LiveUsers } from './app-users.ts';
import type { AuthGuard } from './auth/auth-guard.ts';
import { type Authenticator, createAuthenticator, type RealmOptions } from './auth/authenticator.ts';
import { createPeers, type IsPeer } from './auth/trusted-peers.ts';
import type { Config } from './config.ts';
import type { LoadedFiles } from './config-files.ts';
import { algorithmsOf, trustedPeersOf } from './config-of-domain.ts';
import type { Background } from './runtime/lifecycle.ts';
import type { Metrics } from './runtime/metrics.ts';
import type { World } from './runtime/world.ts';
import type { LocationName } from './uri/types.ts';

export interface Access {
  readonly authenticator: Authenticator;
  /** The user of ours that is meant, an alias resolved; undefined if there is none. */
  userFor(name: LocationName): LocationName | undefined;
  /** The same, and the name itself for who isn't known: nobody who registers needs to be. */
  nameFor(name: LocationName): LocationName;
  isPeer(domain: string, flow: Parameters<IsPeer>[0]): boolean;
  /** SIGHUP: users and peers of `next`. */
  reload(next: Config): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface AccessDeps {
  readonly world: World;
  readonly metrics: Metrics;
  readonly background: Background;
  readonly guard: AuthGuard;
  readonly isOurs: (uri: string) => boolean;
  /** What nonces are made with where a domain has no secret of its own. */
  readonly secret: Uint8Array;
}

/** One secret for each use, so that what one reveals is of no use to another. */
export const derived = (secret: Uint8Array, use: string): Uint8Array =>
  createHmac('sha256', secret).update(use).digest();

const peersOf = (config: Config): ReadonlyMap<string, IsPeer> =>
  new Map(config.domain.map((domain) => [domain, createPeers(trustedPeersOf(config, domain))] as const));

const realmsOf = (config: Config, { nonceSecrets }: LoadedFiles): ReadonlyMap<string, RealmOptions> =>
  new Map(
    config.domain.map((domain) => {
      const own = nonceSecrets?.get(domain);
      const secret = own === undefined ? {} : { secret: derived(own, 'nonce') };
      return [domain, { algorithms: algorithmsOf(config, domain), ...secret }] as const;
    }),
  );

export function composeAccess(config: Config, files: LoadedFiles, deps: AccessDeps): Access {
  const { metrics, background, guard, isOurs } = deps;
  const { clock, random, log } = deps.world;
  const { auth } = config.sip;
  const users = new LiveUsers(
    { clock, random, log: log.child({ mod: 'users' }), background },
    config,
    files.users,
  );
  const { table } = users;
  // BOUNDED: by the configuration.
  let peers = peersOf(config);
  // With no passwords asked for, everybody exists who registers. Where users are hidden, everybody is looked up, so that
  // answer and time are those of a user who isn't registered.
  const everybodyExists = auth.mode === 'none' || auth.hideUsers;
  return {
    authenticator: createAuthenticator(
      { users: table, clock, random, log: log.child({ mod: 'auth' }), metrics, guard, isOurs },
      {
        mode: auth.mode,
        algorithms: auth.algorithms,
        nonceLifetimeSec: auth.nonceLifetimeSec,
        secret: derived(deps.secret, 'nonce'),
        realms: realmsOf(config, files),
      },
    ),
    userFor: (name) => table.userFor(name) ?? (everybodyExists ? name : undefined),
    nameFor: (name) => table.userFor(name) ?? name,
    isPeer: (domain, flow) => peers.get(domain)?.(flow) ?? false,
    reload(next) {
      peers = peersOf(next);
      return users.reload(next);
    },
    start: () => users.start(),
    stop: () => users.stop(),
  };
}
