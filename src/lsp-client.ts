// The library: the Location Service for programs that are no registrar (gateways, applications, pure P2P).
import {
  LspClient as OverlayAccess,
  type Peer,
  type ReplicaWord,
  type RingWalk,
  type WalkOptions,
} from './dht/index.ts';
import { differences } from './location/agreement.ts';
import { noneOf, PublicLocation } from './location/public.ts';
import { Publisher } from './location/publisher.ts';
import type { BindingChange, PublishResult, QueryResult } from './location/types.ts';
import type {
  Located,
  LocatedPeer,
  LspClientOptions,
  PublishOptions,
  Trace,
  TracedReplica,
} from './lsp-client-types.ts';
import { DnsKeys } from './record/dns-keys.ts';
import { DomainKeys } from './record/domain-keys.ts';
import { identityFromPem } from './record/identity.ts';
import { keyOf, type NameKeys, nameKeys } from './record/keys.ts';
import { RECORD_LIMITS } from './record/limits.ts';
import { parseTrustFile, type TrustMap } from './record/trust-file.ts';
import type { Identity } from './record/types.ts';
import { EntryVerifier } from './record/verify.ts';
import { CodedError } from './runtime/errors.ts';
import { silentLog } from './runtime/log.ts';
import { MetricsRegistry } from './runtime/metrics.ts';
import { resolveHostWith, systemWorld } from './runtime/world.ts';
import { canonicalContact } from './uri/compare.ts';
import { parseContactUri } from './uri/contact.ts';
import { isLoopback } from './uri/hosts.ts';
import { locationName } from './uri/name.ts';
import type { LocationName } from './uri/types.ts';

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
  readonly #publisher: Publisher;
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
      own: [{ ...identity, domains: [identity.domain] }],
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
    this.#publisher = publisher;
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
    const key = keyOf(nameOf(uri));
    const { replicas, roundTrips } = await this.#access.find(key, FIND_DEADLINE_MS);
    return { key, roundTrips, replicas: located(replicas) };
  }

  /** A lookup with every step on the way to the replicas, what each of these holds, and in what they differ. */
  async trace(uri: string): Promise<Trace> {
    const keys = nameKeys(nameOf(uri));
    await this.#meet();
    const { steps, replicas, roundTrips, words } = await this.#access.trace(keys.key, FIND_DEADLINE_MS);
    const answers = await Promise.all(words.map((word) => this.#opened(word, keys)));
    const nameById = new Map<string, string>(
      replicas.map((peer) => [peer.id, `${peer.domain}/${peer.selector}`]),
    );
    return {
      key: keys.key,
      roundTrips,
      replicas: located(replicas),
      steps: steps.flatMap(({ peer, told, ...step }) =>
        located([peer]).map((asked) => ({ ...step, asked, told: located(told) })),
      ),
      answers,
      result: await this.#together(words, keys),
      differences: differences(
        answers.map(({ peer, bindings, replicas: view }) => ({
          name: `${peer.domain}/${peer.selector}`,
          bindings,
          replicas: view?.map((id) => nameById.get(id) ?? id.slice(0, 8)),
        })),
      ),
    };
  }

  async #opened(word: ReplicaWord, keys: NameKeys): Promise<TracedReplica> {
    const { peer, entries, said, rttMs, settled, replicas } = word;
    const endpoint = peer.endpoints[0] ?? { host: '', port: 0 };
    const read = said === 'entries' ? await this.#publisher.read(entries, keys) : undefined;
    const bindings = said === 'none' ? [] : read?.kind === 'read' ? read.bindings : undefined;
    const unvouched = read?.kind === 'read' ? read.unvouched : 0;
    const { domain, selector, vnode, id } = peer;
    const who = { domain, selector, vnode, id, endpoint };
    return { peer: who, rttMs, said, settled, bindings, unvouched, replicas };
  }

  async #together(words: readonly ReplicaWord[], keys: NameKeys): Promise<QueryResult> {
    const answered = words.filter(({ said }) => said === 'entries' || said === 'none');
    if (words.length > 0 && words.every(({ said }) => said === 'timeout')) return { kind: 'timeout' };
    if (answered.length === 0) return NOBODY_THERE;
    const read = await this.#publisher.read(
      answered.flatMap(({ entries }) => entries),
      keys,
    );
    if (read.kind === 'unavailable') return read;
    return read.bindings.length > 0 ? { kind: 'found', bindings: read.bindings } : noneOf(read.unvouched);
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

const located = (peers: readonly Peer[]): readonly LocatedPeer[] =>
  peers.flatMap(({ domain, selector, vnode, id, endpoints: [endpoint] }) =>
    endpoint === undefined ? [] : [{ domain, selector, vnode, id, endpoint }],
  );

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
