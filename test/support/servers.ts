// Registrars for integration tests: whole apps in this process on loopback, port 0, with a network between them that can be cut.
import { type App, createApp } from '../../src/app.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import type { LoadedFiles } from '../../src/config-files.ts';
import { loadTls } from '../../src/config-tls-files.ts';
import { generateKeyPem, identityFromPem } from '../../src/record/identity.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type DatagramPort, type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemWorld, type World } from '../../src/runtime/world.ts';

/** A domain's key, kept over restarts: it is configuration. */
export interface TestDomain {
  readonly domain: string;
  readonly selector: number;
  readonly pem: string;
  readonly publicKey: Uint8Array;
}

export const makeDomain = (domain: string, selector = 0): TestDomain => ({
  domain,
  selector,
  ...generateKeyPem(),
});

/** Trust entries for all of them, as a trust file would give. */
export const trustOf = (domains: readonly TestDomain[]): LoadedFiles['trust'] => {
  const trusted = new Map<string, Map<number, Uint8Array>>();
  for (const { domain, selector, publicKey } of domains) {
    const keys = trusted.get(domain) ?? new Map<number, Uint8Array>();
    keys.set(selector, publicKey);
    trusted.set(domain, keys);
  }
  return trusted;
};

/** What a test can do to a server's datagrams. */
export class Wire {
  /** The overlay's go nowhere, either way. */
  cut = false;
  /** As after SIGKILL: no datagram leaves or is read, SIP included. */
  dead = false;
  /** Called before each overlay datagram leaves; false drops it. */
  onSend: (bytes: Uint8Array, to: Endpoint) => boolean = () => true;
  /** Called before each overlay datagram is read; false drops it. */
  onReceive: (bytes: Uint8Array, from: Endpoint) => boolean = () => true;
  /** Called before each SIP datagram leaves; false drops it. */
  onSip: (bytes: Uint8Array, to: Endpoint) => boolean = () => true;
  /** Nothing is watched any more. */
  release(): void {
    this.onSend = () => true;
    this.onReceive = () => true;
    this.onSip = () => true;
  }
}

export interface TestServer {
  readonly app: App;
  readonly config: Config;
  readonly wire: Wire;
  readonly sip: Endpoint;
  readonly tcp: Endpoint;
  readonly overlay: Endpoint | undefined;
  readonly admin: Endpoint;
  /** As SIGKILL: the datagram sockets are gone, nobody is told. `app.stop()` then waits for what is left of it. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly domain: TestDomain;
  readonly trust: LoadedFiles['trust'];
  readonly seeds?: readonly Endpoint[];
  readonly config?: Record<string, unknown>;
  readonly users?: LoadedFiles['users'];
  /** Added to the wall clock. */
  readonly skewMs?: number;
  readonly overlayPort?: number;
  readonly world?: Partial<World>;
  readonly nonceSecret?: Uint8Array;
  /** Further domains with a key of their own. */
  readonly tenants?: readonly TestDomain[];
  readonly nonceSecrets?: ReadonlyMap<string, Uint8Array>;
}

const endpointOf = (text: string): Endpoint => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
};

const text = ({ host, port }: Endpoint): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

const skewed = (clock: Clock, skewMs: number): Clock => ({
  monoMs: () => clock.monoMs(),
  wallMs: () => clock.wallMs() + skewMs,
  setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
});

/** Datagram sockets behind a wire. */
const wired =
  (wire: Wire, sockets: Set<DatagramPort>, isOverlay: (bind: Endpoint) => boolean): World['openDatagram'] =>
  async (bind, handlers) => {
    const overlay = isOverlay(bind);
    const reads = (bytes: Uint8Array, from: Endpoint): boolean =>
      !wire.dead && (!overlay || (!wire.cut && wire.onReceive(bytes, from)));
    const leaves = (bytes: Uint8Array, to: Endpoint): boolean =>
      !wire.dead && (overlay ? !wire.cut && wire.onSend(bytes, to) : wire.onSip(bytes, to));
    const port = await openDatagram(bind, {
      onMessage: (bytes, from) => {
        if (reads(bytes, from)) handlers.onMessage(bytes, from);
      },
      onError: (error) => handlers.onError(error),
    });
    sockets.add(port);
    return {
      local: port.local,
      send: (bytes, to) => {
        // A hook may kill the server whose datagram it was shown.
        if (leaves(bytes, to) && !wire.dead) port.send(bytes, to);
      },
      close: () => port.close(),
    };
  };

/** Builds a server; `start` it yourself when order matters. */
export function buildServer(options: ServerOptions): {
  app: App;
  config: Config;
  wire: Wire;
  kill: () => Promise<void>;
} {
  const merged = {
    domain: options.domain.domain,
    trust: { dns: false },
    ...options.config,
    sip: {
      listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'],
      ...(options.config?.['sip'] as object | undefined),
    },
    overlay: {
      listen: `127.0.0.1:${options.overlayPort ?? 0}`,
      seeds: (options.seeds ?? []).map(text),
      ...(options.config?.['overlay'] as object | undefined),
    },
    identity: { selector: options.domain.selector },
    admin: { listen: '127.0.0.1:0' },
    limits: { perSourcePerSec: 1_000_000, ...(options.config?.['limits'] as object | undefined) },
  };
  const parsed = parseConfig(merged);
  if (!parsed.ok) throw new Error(parsed.error.join('\n'));
  const config = parsed.value;
  const identity = identityFromPem(options.domain.pem, options.domain);
  if (!identity.ok) throw new Error(identity.error);
  const tenants = (options.tenants ?? []).map((one) => {
    const own = identityFromPem(one.pem, one);
    if (!own.ok) throw new Error(own.error);
    return own.value;
  });
  const tls = loadTls(config);
  if (!tls.ok) throw new Error(tls.error.join('\n'));
  const wire = new Wire();
  const sockets = new Set<DatagramPort>();
  const base = systemWorld(silentLog);
  let opened = 0;
  // The overlay's socket is the first datagram socket that an app opens (app.ts starts the ring before SIP).
  const isOverlay = (bind: Endpoint): boolean =>
    config.publication !== 'local' && opened++ === 0 && bind.port === (options.overlayPort ?? 0);
  const world: World = {
    ...base,
    clock: skewed(base.clock, options.skewMs ?? 0),
    openDatagram: wired(wire, sockets, isOverlay),
    ...options.world,
  };
  const files: LoadedFiles = {
    identity: identity.value,
    tenants,
    madeKey: false,
    users: options.users,
    trust: options.trust,
    nonceSecret: options.nonceSecret,
    ...(options.nonceSecrets === undefined ? {} : { nonceSecrets: options.nonceSecrets }),
    adminToken: undefined,
    tls: tls.value,
  };
  const app = createApp(config, files, world);
  const kill = async (): Promise<void> => {
    wire.dead = true;
    await Promise.all([...sockets].map((socket) => socket.close()));
    // It says goodbye to nobody's ears, which takes seconds: `app.stop()` awaits it.
    void app.stop();
  };
  return { app, config, wire, kill };
}

export async function startServer(options: ServerOptions): Promise<TestServer> {
  const built = buildServer(options);
  await built.app.start();
  const { sip, overlay, admin } = built.app.addresses;
  const of = (transport: string): Endpoint =>
    endpointOf((sip.find((one) => one.startsWith(`${transport}:`)) ?? '').slice(transport.length + 1));
  return {
    ...built,
    sip: of('udp'),
    tcp: of('tcp'),
    overlay: overlay === undefined ? undefined : endpointOf(overlay),
    admin: endpointOf(admin),
  };
}
