// The library: the Location Service for programs that are no registrar (gateways, applications, pure P2P).
import { LspClient as OverlayAccess, type RingWalk, type WalkOptions } from './dht/index.ts';
import { PublicLocation } from './location/public.ts';
import { Publisher } from './location/publisher.ts';
import type { BindingChange, PublishResult, QueryResult } from './location/types.ts';
import { DnsKeys } from './record/dns-keys.ts';
import { DomainKeys } from './record/domain-keys.ts';
import { identityFromPem } from './record/identity.ts';
import { keyOf } from './record/keys.ts';
import { RECORD_LIMITS } from './record/limits.ts';
import { parseTrustFile, type TrustMap } from './record/trust-file.ts';
import type { Identity } from './record/types.ts';
import { EntryVerifier } from './record/verify.ts';
import type { Endpoint } from './runtime/datagram.ts';
import { CodedError } from './runtime/errors.ts';
import { silentLog } from './runtime/log.ts';
import { MetricsRegistry } from './runtime/metrics.ts';
import { resolveHostWith, systemWorld } from './runtime/world.ts';
import { canonicalContact } from './uri/compare.ts';
import { parseContactUri } from './uri/contact.ts';
import { isLoopback } from './uri/hosts.ts';
import { locationName } from './uri/name.ts';
import type { LocationName } from './uri/types.ts';

export interface LspClientOptions {
  /** Any members of the overlay: `{ host, port }`, host an address or a name. */
  readonly via: readonly Endpoint[];
  /** The overlay's id; `lsp` if absent. */
  readonly overlay?: string;
  /** Copies of each binding in that overlay; 3 if absent. */
  readonly replicas?: number;
  /** Text of a trust file (YAML): whose keys are believed without DNS. */
  readonly trust?: string;
  /** Ask DNS for domain keys; true if absent. */
  readonly dns?: boolean;
  /** What signs publications: PKCS#8 PEM, the domain it signs for and its selector there. Queries need none. */
  readonly key?: { readonly pem: string; readonly domain: string; readonly selector: number };
}

/** What to publish under a URI. */
export interface PublishOptions {
  readonly contact: string;
  /** 1 to 3600. */
  readonly expiresSec: number;
  /** 0 to 1. */
  readonly q?: number;
}

export interface Located {
  readonly replicas: readonly { readonly domain: string; readonly id: string; readonly endpoint: Endpoint }[];
}

/** On this machine an answer takes no time: a node that is not there is not waited for as one far away is. */
const HERE = { attempts: 2, timeoutMs: 500 };
const FIND_DEADLINE_MS = 5_000;
/** LMAX (docs/lsp.md, constants). */
const EXPIRES_SEC_MAX = 3600;
/** Publications of one name by this library are one series; its seq is the time in seconds, or one more than the last. */
const SERIES = 'lsp-client';

/**
 * Publishes and queries without joining. `start` binds a UDP socket, `stop` releases it.
 *
 * @throws CodedError ERR_KEY for a key that can't be used, ERR_TRUST for a trust file that can't be read. Its promises
 *   reject with ERR_URI for what is no URI (with a user and a domain), ERR_EXPIRES and ERR_Q for numbers out of range.
 */
export class LspClient {
  readonly #access: OverlayAccess;
  readonly #location: PublicLocation;
  readonly #options: LspClientOptions;
  readonly #nowSec: () => number;
  /** Keys of local names that nodes on this machine told of themselves. BOUNDED: one a `via`. */
  readonly #told = new Map<string, Map<number, Uint8Array>>();
  #met: Promise<boolean> | undefined;
  #seq = 0;

  constructor(options: LspClientOptions) {
    const world = systemWorld(silentLog);
    const { clock, random } = world;
    const overlayId = options.overlay ?? 'lsp';
    this.#options = options;
    this.#nowSec = () => Math.floor(clock.wallMs() / 1000);
    this.#access = new OverlayAccess(
      { ...world, resolveHost: resolveHostWith(world.dns), metrics: new MetricsRegistry() },
      {
        overlayId,
        listen: { host: options.via.some(({ host }) => host.includes(':')) ? '::' : '0.0.0.0', port: 0 },
        seeds: options.via,
        replicas: options.replicas ?? 3,
      },
    );
    const identity = options.key === undefined ? nobody : identityOf(options.key);
    const keys = new DomainKeys({
      own: { ...identity, domains: [identity.domain] },
      ...(options.trust === undefined ? {} : { trust: trustOf(options.trust) }),
      told: this.#told,
      ...(options.dns === false ? {} : { dns: new DnsKeys({ resolveTxt: world.resolveTxt, clock }) }),
    });
    const verifier = new EntryVerifier({ keys, overlayId });
    const publisher = new Publisher({
      identity,
      domains: options.key === undefined ? [] : [identity.domain],
      overlayId,
      verifier,
      limits: RECORD_LIMITS,
      clock,
      random,
    });
    this.#location = new PublicLocation({ overlay: this.#access, publisher });
  }

  /** Binds the socket. */
  start(): Promise<void> {
    return this.#access.start();
  }

  stop(): Promise<void> {
    return this.#access.stop();
  }

  /** The bindings of a URI of any scheme: `sip:`, `xmpp:`, `h323:` … */
  async lookup(uri: string): Promise<QueryResult> {
    const name = nameOf(uri);
    return (await this.#meet()) ? this.#location.query(name) : NOBODY_THERE;
  }

  /** Publishes one binding under a URI of the key's domain. */
  async publish(uri: string, { contact, expiresSec, q }: PublishOptions): Promise<PublishResult> {
    const readable = parseContactUri(contact);
    if (!readable.ok) throw new CodedError('ERR_URI', `contact ${contact}: ${readable.error}`);
    if (!(Number.isInteger(expiresSec) && expiresSec >= 1 && expiresSec <= EXPIRES_SEC_MAX))
      throw new CodedError('ERR_EXPIRES', `expiresSec is a whole number from 1 to ${EXPIRES_SEC_MAX}`);
    if (q !== undefined && !(q >= 0 && q <= 1)) throw new CodedError('ERR_Q', 'q is a number from 0 to 1');
    return this.#change(uri, [
      {
        contact,
        canonicalContact: canonicalContact(contact),
        ...(q === undefined ? {} : { q }),
        params: [],
        path: [],
        expiresSec,
      },
    ]);
  }

  /** Removes one binding, or all of the URI. */
  async withdraw(uri: string, contact?: string): Promise<PublishResult> {
    if (contact === undefined) return this.#change(uri, 'all');
    return this.#change(uri, [
      { contact, canonicalContact: canonicalContact(contact), params: [], path: [], expiresSec: 0 },
    ]);
  }

  /** The nodes that hold the bindings of a URI, the owner first. */
  async find(uri: string): Promise<Located> {
    const { replicas } = await this.#access.find(keyOf(nameOf(uri)), FIND_DEADLINE_MS);
    return {
      replicas: replicas.flatMap(({ domain, id, endpoints: [endpoint] }) =>
        endpoint === undefined ? [] : [{ domain, id, endpoint }],
      ),
    };
  }

  /** Everybody in the ring, as each says of itself. */
  members(options: Pick<WalkOptions, 'onProgress'> = {}): Promise<RingWalk> {
    return this.#access.members(options);
  }

  async #change(uri: string, changes: readonly BindingChange[] | 'all'): Promise<PublishResult> {
    const name = nameOf(uri);
    if (!(await this.#meet())) return NOBODY_THERE;
    // Equal ones would be retransmissions: what is published within the second of a withdrawal is not to be withdrawn.
    this.#seq = Math.max(this.#seq + 1, this.#nowSec());
    return this.#location.publish({ name, series: SERIES, seq: this.#seq, changes });
  }

  /** False if there is nobody to ask: all of `via` is on this machine, and nothing there answers (yet). */
  async #meet(): Promise<boolean> {
    this.#met ??= this.#trustThisMachine();
    const met = await this.#met;
    if (!met) this.#met = undefined;
    return met;
  }

  /** `localhost` and its like mean this machine: a node that runs here is believed what it says of its own key. */
  async #trustThisMachine(): Promise<boolean> {
    const here = this.#options.via.filter(({ host }) => isLoopback(host));
    const answers = await Promise.all(here.map((seed) => this.#access.status(seed, HERE)));
    for (const answer of answers) {
      if (answer === undefined || !isLoopbackName(answer.self.domain)) continue;
      const { domain, selector, publicKey } = answer.self;
      const keys = this.#told.get(domain) ?? new Map<number, Uint8Array>();
      this.#told.set(domain, keys.set(selector, publicKey));
    }
    return here.length < this.#options.via.length || answers.some((answer) => answer !== undefined);
  }
}

const NOBODY_THERE = { kind: 'unavailable', reason: 'no member of the overlay answers' } as const;

const isLoopbackName = (domain: string): boolean => domain === 'localhost' || isLoopback(domain);

const nameOf = (uri: string): LocationName => {
  const name = locationName(uri);
  if (!name.ok) throw new CodedError('ERR_URI', `${uri}: ${name.error}`);
  return name.value;
};

const identityOf = ({ pem, domain, selector }: NonNullable<LspClientOptions['key']>): Identity => {
  const identity = identityFromPem(pem, { domain, selector });
  if (!identity.ok) throw new CodedError('ERR_KEY', identity.error);
  return identity.value;
};

const trustOf = (text: string): TrustMap => {
  const trust = parseTrustFile(text);
  if (!trust.ok) throw new CodedError('ERR_TRUST', trust.error.join('; '));
  return trust.value;
};

/** Who only asks signs nothing: the publisher refuses before it would. */
const nobody: Identity = {
  domain: '',
  selector: -1,
  publicKey: new Uint8Array(32),
  sign: () => new Uint8Array(64),
};
