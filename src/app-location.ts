// The Location Service as the configuration asks for it: local store, ring or both, and what others may know of them.
import { Canary } from './admin/canary.ts';
import { adminRing, rarely } from './admin/ring.ts';
import type { AdminRing, AdminStatus } from './admin/types.ts';
import type { Config } from './config.ts';
import type { LoadedFiles } from './config-files.ts';
import { registrarOf } from './config-of-domain.ts';
import { LspClient, LspNode, type RingWalk } from './dht/index.ts';
import { HybridLocation } from './location/hybrid.ts';
import { LocalLocation } from './location/local.ts';
import { PublicLocation } from './location/public.ts';
import { Publisher } from './location/publisher.ts';
import type { LocationService } from './location/types.ts';
import { DnsKeys } from './record/dns-keys.ts';
import { DomainKeys } from './record/domain-keys.ts';
import { RECORD_LIMITS } from './record/limits.ts';
import { RecordStore, STORE_OPTIONS } from './record/store.ts';
import { EntryVerifier } from './record/verify.ts';
import type { Endpoint } from './runtime/datagram.ts';
import { CodedError } from './runtime/errors.ts';
import type { Background } from './runtime/lifecycle.ts';
import type { Metrics } from './runtime/metrics.ts';
import { resolveHostWith, type World } from './runtime/world.ts';
import { VERSION } from './version.ts';

export interface Place {
  readonly location: LocationService;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The SIP listeners are open: the canary may begin. */
  listening(): void;
  /** Address of the overlay socket; undefined in local mode and before start. */
  local(): Endpoint | undefined;
  readiness(): { readonly overlay?: { readonly joined: boolean; readonly canary: string | undefined } };
  status(): Pick<AdminStatus, 'overlay' | 'unpublished'>;
  ring(): Promise<AdminRing | undefined>;
  readonly fatal: Promise<CodedError>;
}

interface Around {
  readonly world: World;
  readonly metrics: Metrics;
  readonly background: Background;
  readonly isTrusted: (host: string) => boolean;
}

/** A part with a life. */
interface Part {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function composeLocation(config: Config, files: LoadedFiles, around: Around): Place {
  const { world, metrics, background } = around;
  const { clock, random } = world;
  const { identity, tenants = [] } = files;
  const [domain] = config.domain;
  const overlayId = config.overlay.id;
  const keys = new DomainKeys({
    own: [
      { ...identity, domains: config.domain.filter((one) => !tenants.some((own) => own.domain === one)) },
      ...tenants.map((own) => ({ ...own, domains: [own.domain] })),
    ],
    ...(files.trust === undefined ? {} : { trust: files.trust }),
    ...(config.trust.dns ? { dns: new DnsKeys({ resolveTxt: world.resolveTxt, clock }) } : {}),
  });
  const verifier = new EntryVerifier({ keys, overlayId });
  // Only a store of our own may keep an entry for longer than the ring would.
  const longestSec = Math.max(...config.domain.map((one) => registrarOf(config, one).maxExpiresSec));
  const limits =
    config.publication === 'local'
      ? { ...RECORD_LIMITS, lifetimeMaxSec: Math.max(RECORD_LIMITS.lifetimeMaxSec, longestSec) }
      : RECORD_LIMITS;
  // The members of one process share what a store may hold.
  const makeStore = (shares = 1): RecordStore =>
    new RecordStore(
      { verifier, wallMs: () => clock.wallMs() },
      {
        limits,
        bytesMax: Math.ceil(STORE_OPTIONS.bytesMax / shares),
        domainBytesMax: Math.ceil(STORE_OPTIONS.domainBytesMax / shares),
      },
    );
  const publisher = new Publisher({
    identity,
    domains: config.domain,
    tenants,
    overlayId,
    verifier,
    limits,
    clock,
    random,
  });
  if (config.publication === 'local') {
    const location = new LocalLocation({ store: makeStore(), publisher, clock });
    return {
      location,
      start: () => location.start(),
      stop: () => location.stop(),
      listening: () => undefined,
      local: () => undefined,
      readiness: () => ({}),
      status: () => ({}),
      ring: () => Promise.resolve(undefined),
      fatal: new Promise(() => undefined),
    };
  }

  let fail: (error: CodedError) => void = () => undefined;
  const fatal = new Promise<CodedError>((resolve) => {
    fail = resolve;
  });
  const overlay = composeOverlay(config, { ...around, keys, makeStore, identity, fail });
  const hybrid =
    config.publication === 'hybrid'
      ? new HybridLocation({
          store: makeStore(),
          overlay: overlay.client,
          publisher,
          limits,
          clock,
          random,
          lifecycle: background,
        })
      : undefined;
  const throughRing = new PublicLocation({ overlay: overlay.client, publisher });
  const location = hybrid ?? throughRing;
  // Past the local store of the hybrid form, which would answer for a ring that is away.
  const canary = new Canary({ location: throughRing, clock, random, background }, { domain });
  // In the order of starting; they stop in the other.
  const parts: readonly Part[] = hybrid === undefined ? [overlay.client] : [overlay.client, hybrid];
  if (hybrid !== undefined)
    metrics.gauge('chordial_unpublished', 'Names that wait for the ring', () => hybrid.unpublished.waiting);
  const walk = rarely(() => overlay.walk(), clock);
  let started = false;

  return {
    location,
    async start() {
      for (const part of parts) await part.start();
      started = true;
    },
    async stop() {
      await canary.stop();
      for (const part of parts.toReversed()) await part.stop();
    },
    listening: () => canary.start(),
    local: () => (started ? overlay.client.local : undefined),
    readiness: () => ({ overlay: { joined: overlay.client.ready, canary: canary.problem() } }),
    status: () => ({
      overlay: overlay.facts(),
      ...(hybrid === undefined ? {} : { unpublished: hybrid.unpublished.waiting }),
    }),
    ring: async () =>
      adminRing(await walk(), {
        ...overlay.facts(),
        overlay: overlayId,
        domain,
        selector: identity.selector,
      }),
    fatal,
  };
}

interface OverlayParts {
  readonly client: LspNode | LspClient;
  facts(): NonNullable<AdminStatus['overlay']>;
  walk(): Promise<RingWalk>;
}

function composeOverlay(
  config: Config,
  deps: Around & {
    readonly keys: DomainKeys;
    readonly makeStore: (shares: number) => RecordStore;
    readonly identity: LoadedFiles['identity'];
    readonly fail: (error: CodedError) => void;
  },
): OverlayParts {
  const { world, metrics, keys, makeStore, identity, isTrusted, fail } = deps;
  const { overlay } = config;
  const common = {
    ...world,
    resolveHost: resolveHostWith(world.dns),
    log: world.log.child({ mod: 'dht' }),
    metrics,
  };
  const options = {
    overlayId: overlay.id,
    listen: overlay.listen,
    seeds: overlay.seeds,
    replicas: overlay.replicas,
  };
  if (overlay.role === 'client') {
    const client = new LspClient(common, options);
    const facts = () => ({
      id: overlay.id,
      role: 'client' as const,
      mode: 'small' as const,
      members: client.knownMembers,
      sizeEstimate: client.sizeEstimate,
      keys: 0,
      entries: 0,
    });
    return { client, facts, walk: () => client.members() };
  }
  const node = new LspNode(
    {
      ...common,
      identity,
      keys,
      store: () => makeStore(overlay.vnodes),
      onFatal: ({ detail }) => fail(new CodedError('ERR_ID_ALIVE_ELSEWHERE', detail)),
    },
    {
      ...options,
      ...(overlay.advertise === undefined
        ? {}
        : { advertise: [{ host: overlay.advertise.host, port: overlay.advertise.port ?? 0 }] }),
      successors: overlay.successors,
      minMembers: overlay.minMembers,
      vnodes: overlay.vnodes,
      selfCertified: overlay.selfCertified,
      version: VERSION,
      trusted: isTrusted,
    },
  );
  const facts = () => ({
    id: overlay.id,
    role: 'member' as const,
    mode: node.mode,
    members: node.members.length,
    sizeEstimate: node.sizeEstimate,
    keys: node.counts.keys,
    entries: node.counts.entries,
  });
  return { client: node, facts, walk: () => node.walk() };
}
