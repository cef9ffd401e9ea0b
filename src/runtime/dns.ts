// DNS as a port: the record types that SIP's server location asks for (RFC 3263), with every question bounded in time.
import { lookup, Resolver } from 'node:dns/promises';

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly regexp: string;
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

/** At most `max` questions at once; whoever comes to a full house hears `unavailable`, as from a server that is away. */
const bounded = (max: number): typeof ask => {
  let asking = 0;
  return async (question) => {
    if (asking >= max) return { kind: 'unavailable' };
    asking += 1;
    try {
      return await ask(question);
    } finally {
      asking -= 1;
    }
  };
};

export interface DnsOptions {
  /** One question takes at most about twice as long. */
  readonly timeoutMs: number;
  /** `host:port` of the servers to ask; the machine's own without it. */
  readonly servers?: readonly string[];
}

/** A question is a socket and some kB; a call asks four, one after the other or a few at once. */
const ASKING_MAX = 512;
/** Node has four threads for these, files and keys together. */
const LOOKING_UP_MAX = 2;

/**
 * The machine's resolver. Nothing is kept here, neither what was found nor what was not: how long an answer holds only
 * its TTL says, which node shows for addresses alone; a caching resolver on the machine or beside it knows it.
 */
export const createDns = ({ timeoutMs, servers }: DnsOptions): Dns => {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const network = bounded(ASKING_MAX);
  const hostsFile = bounded(LOOKING_UP_MAX);
  return {
    naptr: (name) => network(() => resolver.resolveNaptr(name)),
    srv: (name) => network(() => resolver.resolveSrv(name)),
    async addresses(name, family) {
      // RFC 6761 §6.3: localhost is always loopback, and no server is asked for it.
      if (name === 'localhost') return { kind: 'found', records: [family === 4 ? '127.0.0.1' : '::1'] };
      const answer = await network(() => (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)));
      if (answer.kind !== 'none') return answer;
      // A name that only the hosts file has; it takes one of few threads, so the network is asked first.
      const local = await hostsFile(async () =>
        (await lookup(name, { all: true, family })).map(({ address }) => address),
      );
      // That there was no thread says nothing about the name: the network's word stands.
      return local.kind === 'unavailable' ? answer : local;
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
