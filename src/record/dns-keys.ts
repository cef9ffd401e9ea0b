// Domain keys from DNS: TXT at SELECTOR._lsp.DOMAIN (DKIM's shape), cached within caps, few questions at once.
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import { parsePublicKey } from './trust-file.ts';
import type { DomainKeyResolver, KeyAnswer } from './types.ts';

/** As in node:dns: each record a list of strings; rejects with a `code`. */
export type ResolveTxt = (name: string) => Promise<readonly (readonly string[])[]>;

export interface DnsKeysOptions {
  readonly positiveMs: number;
  readonly negativeMs: number;
  /** After a failure the same question waits so long. */
  readonly retryMs: number;
  /** How long past its time a key serves while DNS fails. */
  readonly staleMs: number;
  readonly timeoutMs: number;
  readonly cacheMax: number;
  readonly inFlightMax: number;
}

export const DNS_KEYS_OPTIONS: DnsKeysOptions = {
  positiveMs: 300_000,
  negativeMs: 60_000,
  retryMs: 5_000,
  staleMs: 3_600_000,
  timeoutMs: 3_000,
  cacheMax: 10_000,
  inFlightMax: 64,
};

const RECORDS_MAX = 16;
const RECORD_CHARS_MAX = 512;
/** Two keys while one is being rotated. */
const KEYS_MAX = 2;
const ABSENT = new Set(['ENOTFOUND', 'ENODATA', 'NXDOMAIN']);

/** `v=LSP1; k=ed25519; p=BASE64`: tags in any order, unknown ones ignored; undefined if it is not that. */
export const parseKeyRecord = (text: string): Uint8Array | undefined => {
  if (text.length > RECORD_CHARS_MAX) return undefined;
  const tags = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const tag = part.slice(0, equals).trim();
    if (tags.has(tag)) return undefined;
    tags.set(tag, part.slice(equals + 1).trim());
  }
  if (tags.get('v') !== 'LSP1' || tags.get('k') !== 'ed25519') return undefined;
  return parsePublicKey(tags.get('p') ?? '');
};

/** The TXT record that publishes `publicKey`. */
export const formatKeyRecord = (publicKey: Uint8Array): string =>
  `v=LSP1; k=ed25519; p=${Buffer.from(publicKey).toString('base64')}`;

export const keyRecordName = (domain: string, selector: number): string => `${selector}._lsp.${domain}`;

interface Cached {
  readonly answer: KeyAnswer;
  readonly freshUntilMs: number;
  /** While it is a key: until when it may serve stale, and when DNS is asked again. */
  readonly staleUntilMs: number;
}

export class DnsKeys implements DomainKeyResolver {
  readonly #resolveTxt: ResolveTxt;
  readonly #clock: Clock;
  readonly #options: DnsKeysOptions;
  // BOUNDED: cacheMax.
  readonly #cache: BoundedMap<string, Cached>;
  // BOUNDED: inFlightMax; above it the answer is "unavailable" at once.
  readonly #inFlight = new Map<string, Promise<KeyAnswer>>();

  constructor(
    deps: { readonly resolveTxt: ResolveTxt; readonly clock: Clock },
    options: Partial<DnsKeysOptions> = {},
  ) {
    this.#resolveTxt = deps.resolveTxt;
    this.#clock = deps.clock;
    this.#options = { ...DNS_KEYS_OPTIONS, ...options };
    this.#cache = new BoundedMap(this.#options.cacheMax);
  }

  resolve(domain: string, selector: number): Promise<KeyAnswer> {
    const name = keyRecordName(domain, selector);
    const cached = this.#cache.get(name);
    if (cached !== undefined && this.#clock.monoMs() < cached.freshUntilMs) {
      return Promise.resolve(cached.answer);
    }
    const running = this.#inFlight.get(name);
    if (running !== undefined) return running;
    if (this.#inFlight.size >= this.#options.inFlightMax) return Promise.resolve(this.#stale(cached));
    const asked = this.#ask(name, cached).finally(() => this.#inFlight.delete(name));
    this.#inFlight.set(name, asked);
    return asked;
  }

  #stale(cached: Cached | undefined): KeyAnswer {
    const usable = cached?.answer.kind === 'key' && this.#clock.monoMs() < cached.staleUntilMs;
    return usable ? { ...cached.answer, stale: true } : { kind: 'unavailable' };
  }

  async #ask(name: string, cached: Cached | undefined): Promise<KeyAnswer> {
    const answer = await this.#question(name);
    const nowMs = this.#clock.monoMs();
    const { positiveMs, negativeMs, retryMs, staleMs } = this.#options;
    if (answer.kind === 'unavailable') {
      const stale = this.#stale(cached);
      const staleUntilMs = stale.kind === 'key' ? (cached?.staleUntilMs ?? nowMs) : nowMs;
      this.#cache.set(name, { answer: stale, freshUntilMs: nowMs + retryMs, staleUntilMs });
      return stale;
    }
    const freshUntilMs = nowMs + (answer.kind === 'key' ? positiveMs : negativeMs);
    this.#cache.set(name, { answer, freshUntilMs, staleUntilMs: freshUntilMs + staleMs });
    return answer;
  }

  #question(name: string): Promise<KeyAnswer> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(this.#options.timeoutMs, () => resolve({ kind: 'unavailable' }));
      this.#resolveTxt(name).then(
        (records) => {
          timer.cancel();
          resolve(answerOf(records));
        },
        (error: unknown) => {
          timer.cancel();
          resolve({ kind: isAbsent(error) ? 'unknown' : 'unavailable' });
        },
      );
    });
  }
}

const isAbsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && ABSENT.has(String(error.code));

const answerOf = (records: readonly (readonly string[])[]): KeyAnswer => {
  // RFC 6376 §3.6.2.2: "Strings in a TXT RR MUST be concatenated together before use with no intervening whitespace."
  const keys = records
    .slice(0, RECORDS_MAX)
    .map((strings) => parseKeyRecord(strings.join('')))
    .filter((key) => key !== undefined);
  const [publicKey, ...others] = keys;
  if (publicKey === undefined) return { kind: 'unknown' };
  return { kind: 'key', publicKey, alternates: others.slice(0, KEYS_MAX - 1) };
};
