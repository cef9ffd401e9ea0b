// DNS as a port: the record types that SIP's server location asks for (RFC 3263), with every question bounded in time.
import { lookup, Resolver } from 'node:dns/promises';

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly name: string;
  readonly port: number;
}

/** `none`: the name or the record type does not exist; `unavailable`: nobody could say. */
export type DnsAnswer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'unavailable' };

/** Never rejects. */
export interface Dns {
  naptr(name: string): Promise<DnsAnswer<NaptrRecord>>;
  srv(name: string): Promise<DnsAnswer<SrvRecord>>;
  addresses(name: string, family: 4 | 6): Promise<DnsAnswer<string>>;
}

// What a hostile zone can make us hold: more records than this tell nothing that the first ones don't.
const RECORDS_MAX = 32;

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const ask = async <T>(question: () => Promise<readonly T[]>): Promise<DnsAnswer<T>> => {
  try {
    const records = await question();
    return records.length === 0
      ? { kind: 'none' }
      : { kind: 'found', records: records.slice(0, RECORDS_MAX) };
  } catch (error) {
    const code = codeOf(error);
    // EBADNAME: a name that cannot be asked for does not exist either.
    const absent = code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME';
    return { kind: absent ? 'none' : 'unavailable' };
  }
};

/** The machine's resolver; one question takes at most about twice `timeoutMs`. */
export const createDns = (timeoutMs: number): Dns => {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  return {
    naptr: (name) => ask(() => resolver.resolveNaptr(name)),
    srv: (name) => ask(() => resolver.resolveSrv(name)),
    async addresses(name, family) {
      // RFC 6761 §6.3: localhost is always loopback, and no server is asked for it.
      if (name === 'localhost') return { kind: 'found', records: [family === 4 ? '127.0.0.1' : '::1'] };
      const answer = await ask(() => (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)));
      if (answer.kind !== 'none') return answer;
      // A name that only the hosts file has; it takes one of few threads, so the network is asked first.
      return ask(async () => (await lookup(name, { all: true, family })).map(({ address }) => address));
    },
  };
};

/** TXT records, each as its strings; rejects with the system's code (ENOTFOUND, ENODATA, ETIMEOUT …). */
export const createResolveTxt = (
  timeoutMs: number,
): ((name: string) => Promise<readonly (readonly string[])[]>) => {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  return (name) => resolver.resolveTxt(name);
};
