// The composition root: the only file that knows all rooms. It builds them, wires them, starts and stops them.
import { AdminServer } from './admin/http.ts';
import { createLookup } from './admin/lookup.ts';
import { readiness } from './admin/readiness.ts';
import type { AdminStatus, Readiness } from './admin/types.ts';
import { composeAccess, derived } from './app-access.ts';
import { LiveLimits } from './app-limits.ts';
import { composeLocation } from './app-location.ts';
import { LiveSelf } from './app-self.ts';
import { LiveTls } from './app-tls.ts';
import { AuthGuard } from './auth/auth-guard.ts';
import { FlowTokens } from './auth/flow-token.ts';
import { createRegistrar } from './bridge/registrar.ts';
import type { Config } from './config.ts';
import type { LoadedFiles } from './config-files.ts';
import { registrarOf } from './config-of-domain.ts';
import { Branches } from './proxy/branch.ts';
import { Forwarder } from './proxy/forwarder.ts';
import { Redirector } from './redirect/redirector.ts';
import { delay } from './runtime/clock.ts';
import { formatEndpoint } from './runtime/datagram.ts';
import type { CodedError } from './runtime/errors.ts';
import { Lifecycle } from './runtime/lifecycle.ts';
import { MetricsRegistry } from './runtime/metrics.ts';
import type { World } from './runtime/world.ts';
import { Retransmitter } from './sip/client-transaction.ts';
import { SipServer } from './sip/server.ts';
import { SipTraces } from './sip/sip-traces.ts';
import { aorOf } from './uri/name.ts';
import { VERSION } from './version.ts';

export interface AppAddresses {
  /** `udp:127.0.0.1:5060`, as bound. */
  readonly sip: readonly string[];
  /** Absent in local mode. */
  readonly overlay?: string;
  readonly admin: string;
}

export interface App {
  /** Binds everything; rejects with words for the operator, and what was started is then to be stopped. */
  start(): Promise<void>;
  /** Drains, leaves the ring, closes. Idempotent. */
  stop(): Promise<void>;
  /** SIGHUP: takes the users, limits and certificates of `next` over, and resolves then; the rest of it waits for a restart. */
  reload(next: Config): Promise<void>;
  /** Known after start. */
  readonly addresses: AppAddresses;
  /** Resolves once /health/ready is true for the first time. */
  readonly ready: Promise<void>;
  /** Resolves when it is pointless to go on: our id lives at another address. */
  readonly fatal: Promise<CodedError>;
}

/** Requests under way may end; a phone repeats what is lost after that. */
const DRAIN_MS = 3_000;
const READY_POLL_MS = 50;
/** Calls that nobody has answered yet, and others for half a minute; what comes above it is forwarded without state. */
const FORWARDED_MAX = 10_000;
const FORWARDED_BYTES_MAX = 128 * 1024 * 1024;
/** Each of them asked at one hop, or its answer repeated. */
const RETRANSMITTING_MAX = 2 * FORWARDED_MAX;

export function createApp(config: Config, files: LoadedFiles, world: World): App {
  const { clock, random, log } = world;
  const metrics = new MetricsRegistry();
  const lifecycle = new Lifecycle(log.child({ mod: 'app' }));
  const secret = files.nonceSecret ?? random.bytes(32);
  const startedMs = clock.wallMs();
  let draining = false;

  const limits = new LiveLimits(config.limits);
  const { isTrusted, isScanner } = limits;
  const guard = new AuthGuard(clock, limits.bans);
  const { bans } = guard;
  const place = composeLocation(config, files, { world, metrics, isTrusted, background: lifecycle });
  const { location } = place;

  const listeners = config.sip.listen.map(({ transport, host, port, advertised }) => ({
    transport,
    host,
    port,
    advertised: advertised ?? { host: config.sip.advertise || host, port },
  }));
  const self = new LiveSelf(
    config,
    listeners.map(({ host, port, advertised }) => ({ bound: { host, port }, advertised })),
    () => world.localAddresses(),
  );
  const isOurs = (uri: string): boolean => self.isOurs(uri);
  /** Whom a URI means, aliases and spellings of ours resolved: what a SIP trace compares. */
  const traceName = (uri: string): string | undefined => {
    const name = self.nameIn(uri);
    return name === undefined ? undefined : aorOf(access.nameFor(name));
  };
  const traces = new SipTraces({ clock, log: log.child({ mod: 'sip' }), nameOf: traceName });
  const tls = new LiveTls(
    { clock, random, log: log.child({ mod: 'tls' }), metrics, background: lifecycle },
    config,
    files.tls ?? { certificates: [], ca: undefined },
  );
  const sip = new SipServer(
    {
      ...world,
      log: log.child({ mod: 'sip' }),
      metrics,
      tls: { listen: world.listenTls(tls.identity), connect: world.connectTls(tls.trust) },
    },
    {
      listeners,
      secret: derived(secret, 'to-tag'),
      webSocketOrigins: config.sip.webSocket.origins,
      limits: limits.sip,
      isTrusted,
      isBanned: (host) => bans.isBanned(host),
      isScanner,
      tap: traces,
      supported: ['path'],
      isOurs,
      isSelf: (uri) => self.isServer(uri),
    },
  );

  const access = composeAccess(config, files, {
    world,
    metrics,
    background: lifecycle,
    guard,
    isOurs,
    secret,
  });
  const { authenticator } = access;
  const registrar = createRegistrar(
    { authenticator, location, clock, random, log: log.child({ mod: 'bridge' }) },
    {
      get self() {
        return self.now;
      },
      nameFor: (name) => access.nameFor(name),
      limitsOf: (domain) => registrarOf(config, domain),
    },
  );

  const tokens = new FlowTokens(derived(secret, 'dialog'));
  const retransmitter = new Retransmitter({ clock }, { max: RETRANSMITTING_MAX });
  const forwarder = new Forwarder(
    {
      clock,
      dns: world.dns,
      sender: sip.sender,
      retransmitter,
      tokens,
      branches: new Branches(derived(secret, 'branch')),
      background: lifecycle,
      log: log.child({ mod: 'proxy' }),
      metrics,
      get self() {
        return self.now;
      },
    },
    { max: FORWARDED_MAX, bytesMax: FORWARDED_BYTES_MAX },
  );
  const redirector = new Redirector({
    clock,
    random,
    log: log.child({ mod: 'redirect' }),
    location,
    forwarder,
    authenticator,
    tokens,
    userFor: (name) => access.userFor(name),
    isPeer: (domain, flow) => access.isPeer(domain, flow),
    unmet: (request) => sip.unmet(request),
    get self() {
      return self.now;
    },
  });
  sip.handle('REGISTER', registrar);
  sip.handle('ACK', (transaction) => redirector.handleAck(transaction));
  sip.handle('CANCEL', (transaction) => redirector.handleCancel(transaction));
  sip.handleOthers((transaction) => redirector.handle(transaction));
  sip.handleResponses((response, flow) => forwarder.onResponse(response, flow));

  metrics.gauge('chordial_bans', 'Sources that are banned now', () => bans.list().length);
  metrics.gauge(
    'chordial_auth_guard_entries',
    'Sources and users that failures are remembered of',
    () => guard.size,
  );

  const ready = (): Readiness =>
    readiness({ listening: sip.listeners.length > 0, draining, ...place.readiness() });
  const admin = new AdminServer(
    {
      ready,
      status: () => status(),
      ring: () => place.ring(),
      lookup: createLookup({ location, clock }),
      bans,
      sipTrace: {
        start: (options) => traces.start(options),
        full: () => traces.full,
        nameOf: traceName,
      },
      metricsText: () => metrics.text(),
      openHttp: world.openHttp,
      log: log.child({ mod: 'admin' }),
    },
    { listen: config.admin.listen, token: files.adminToken },
  );

  const addresses = (): AppAddresses => {
    const overlay = place.local();
    return {
      sip: sip.listeners.map(({ transport, bound }) => `${transport}:${formatEndpoint(bound)}`),
      ...(overlay === undefined ? {} : { overlay: formatEndpoint(overlay) }),
      admin: admin.local === undefined ? '' : formatEndpoint(admin.local),
    };
  };

  const status = (): AdminStatus => {
    const { sip: listen, overlay, admin: adminAddress } = addresses();
    return {
      version: VERSION,
      startedAt: new Date(startedMs).toISOString(),
      uptimeSec: Math.floor((clock.wallMs() - startedMs) / 1000),
      ...ready(),
      publication: config.publication,
      domains: config.domain,
      listen: { sip: listen, overlay: overlay ?? null, admin: adminAddress },
      ...place.status(),
      bans: bans.list().length,
    };
  };

  let becameReady: () => void = () => undefined;
  const firstReady = new Promise<void>((resolve) => {
    becameReady = resolve;
  });
  const watchReadiness = (): void => {
    if (draining) return;
    if (!ready().ready) {
      clock.setTimer(READY_POLL_MS, watchReadiness);
      return;
    }
    log.info({ ...addresses() }, 'ready');
    becameReady();
  };

  return {
    async start() {
      lifecycle.onStop('forwarded requests', () => {
        forwarder.stop();
        retransmitter.stop();
        return Promise.resolve();
      });
      await lifecycle.start('admin', admin);
      // Before the admin server, over which they go, and after all that they might show.
      lifecycle.onStop('SIP traces', () => Promise.resolve(traces.stop()));
      // Joining the ring may take seconds: a file that is exchanged meanwhile would be believed as it was read before.
      await lifecycle.start('users', access);
      await lifecycle.start('certificates', tls);
      await lifecycle.start('location', place);
      await lifecycle.start('sip', sip);
      // While the ring is left the sockets still answer 503: a phone that hears nothing waits for half a minute.
      lifecycle.onStop('location, before the sockets', () => place.stop());
      lifecycle.onStop('requests under way', () => Promise.race([sip.drain(), delay(clock, DRAIN_MS)]));
      self.bound(sip.listeners);
      place.listening();
      log.info({ ...addresses() }, 'listening');
      watchReadiness();
    },
    stop() {
      draining = true;
      return lifecycle.stop();
    },
    reload(next) {
      limits.replace(next.limits);
      log.info(next.limits, 'limits reloaded');
      tls.reload(next);
      return access.reload(next);
    },
    get addresses() {
      return addresses();
    },
    ready: firstReady,
    fatal: place.fatal,
  };
}
