// The configuration: what its keys must be to each other, in words, and the frozen result.
import type { z } from 'zod';
import { formatListener, formatPlace } from './config-address.ts';
import { type Parsed, schema } from './config-schema.ts';
import { vnodesMax } from './dht/index.ts';
import { fail, ok, type Result } from './runtime/result.ts';
import { isIpLiteral, isLoopback, isWildcard } from './uri/hosts.ts';

/** LMAX (docs/lsp.md, constants): no entry of the ring lives longer, whatever a registrar grants. */
const ENTRY_LIFETIME_MAX_SEC = 3600;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The effective configuration, frozen. `domain` is always a list; `auth.mode` is decided. */
export type Config = DeepReadonly<
  Omit<Parsed, 'domain' | 'sip'> & {
    domain: [string, ...string[]];
    sip: Omit<Parsed['sip'], 'auth'> & {
      auth: Omit<Parsed['sip']['auth'], 'mode'> & { mode: 'digest' | 'none' };
    };
  }
>;

/** True when nothing of this server listens off the machine: what may then run without keys and passwords. */
export const isLoopbackOnly = (config: Config): boolean =>
  config.sip.listen.every((one) => isLoopback(one.host)) && isLoopback(config.overlay.listen.host);

/** Without keys whose value is undefined: those would shadow what they override. */
const definedOf = <T extends object>(own: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>; // what the filter leaves
  };

/** The limits that hold for one of the domains. */
export const registrarOf = (config: Config, domain: string): Config['registrar'] => ({
  ...config.registrar,
  ...definedOf(config.domains[domain]?.registrar ?? {}),
});

const loopbackSip = (parsed: Parsed): boolean => parsed.sip.listen.every((one) => isLoopback(one.host));

/** A name may have addresses of both families; a literal has one. */
const otherFamily = (host: string, bound: string): boolean =>
  isIpLiteral(host) && host.includes(':') !== bound.includes(':');

interface Socket {
  readonly path: string;
  readonly net: string;
  readonly host: string;
  readonly port: number;
}

/** Two listeners that no machine gives the same address and port. */
function sharedSockets({ sip, overlay, admin, publication }: Parsed): string[] {
  const sockets: readonly Socket[] = [
    ...sip.listen.map(({ transport, host, port }) => ({ path: 'sip.listen', net: transport, host, port })),
    ...(publication === 'local' ? [] : [{ path: 'overlay.listen', net: 'udp', ...overlay.listen }]),
    { path: 'admin.listen', net: 'tcp', ...admin.listen },
  ];
  const clash = (a: Socket, b: Socket): boolean =>
    a.net === b.net &&
    a.port === b.port &&
    a.port !== 0 &&
    (a.host === b.host ||
      ((isWildcard(a.host) || isWildcard(b.host)) && a.host.includes(':') === b.host.includes(':')));
  return sockets.flatMap((one, index) => {
    const taken = sockets.slice(0, index).find((other) => clash(other, one));
    return taken === undefined
      ? []
      : [`${one.path}: ${one.net} ${formatPlace(one)} is taken by ${taken.path} ${formatPlace(taken)}`];
  });
}

/** Relations between keys, each problem as a sentence with the key's path in front. */
function relations(parsed: Parsed, mode: 'digest' | 'none'): string[] {
  const problems: string[] = [];
  const say = (path: string, text: string): void => void problems.push(`${path}: ${text}`);
  const { sip, overlay, publication } = parsed;
  const ring = publication !== 'local';
  for (const one of sip.listen)
    if (isWildcard(one.host) && one.advertised === undefined && sip.advertise === '')
      say(
        'sip.advertise',
        `${formatListener(one)} listens on every address; say the host that phones and other servers reach it at`,
      );
    else if (isWildcard(one.host) && one.advertised === undefined && otherFamily(sip.advertise, one.host))
      say(
        'sip.advertise',
        `is no address that leads to ${formatListener(one)}; give that one its own (=host:port)`,
      );
  if (sip.invite !== 'redirect') say('sip.invite', `"${sip.invite}" is not in this version, which redirects`);
  for (const [key, value] of Object.entries(sip.tls))
    if (value !== '') say(`sip.tls.${key}`, 'TLS is not in this version');
  if (mode === 'none' && !loopbackSip(parsed) && !sip.auth.allowOpen)
    say(
      'sip.auth.mode',
      'none lets anybody register as anybody; on a listener beyond loopback it needs sip.auth.allowOpen: true',
    );
  if (mode === 'digest' && sip.auth.usersFile === '')
    say(
      'sip.auth.usersFile',
      'passwords are asked for (sip.auth.mode), so a user file is needed: chordial users add NAME --file FILE',
    );
  const limits = [
    { path: 'registrar', one: parsed.registrar },
    ...Object.entries(parsed.domains).map(([name, own]) => ({
      path: `domains.${name}.registrar`,
      one: { ...parsed.registrar, ...definedOf(own.registrar) },
    })),
  ];
  for (const { path, one } of limits) {
    if (one.minExpiresSec > one.maxExpiresSec)
      say(`${path}.minExpiresSec`, `${one.minExpiresSec} is more than maxExpiresSec ${one.maxExpiresSec}`);
    if (one.defaultExpiresSec > one.maxExpiresSec || one.defaultExpiresSec < one.minExpiresSec)
      say(
        `${path}.defaultExpiresSec`,
        `${one.defaultExpiresSec} is not between minExpiresSec and maxExpiresSec`,
      );
    if (ring && one.maxExpiresSec > ENTRY_LIFETIME_MAX_SEC)
      say(
        `${path}.maxExpiresSec`,
        `the ring keeps nothing longer than ${ENTRY_LIFETIME_MAX_SEC} s; more is possible only with publication: local`,
      );
  }
  const owned = new Set(parsed.domain);
  for (const name of Object.keys(parsed.domains))
    if (!owned.has(name)) say(`domains.${name}`, 'is not in the list under domain');
  for (const alias of parsed.aliases)
    if (alias !== parsed.domain[0] && owned.has(alias))
      say('aliases', `${alias} is a domain of its own, so it cannot be another name of ${parsed.domain[0]}`);
  if (new Set(sip.auth.algorithms).size < sip.auth.algorithms.length)
    say('sip.auth.algorithms', 'each algorithm can stand once');
  problems.push(...sharedSockets(parsed));
  if (overlay.successors < overlay.replicas)
    say('overlay.successors', `must be at least overlay.replicas (${overlay.replicas})`);
  const vnodes = vnodesMax(overlay.replicas);
  if (overlay.vnodes > vnodes)
    say('overlay.vnodes', `must be at most ${vnodes} with overlay.replicas ${overlay.replicas}`);
  if (ring && isWildcard(overlay.listen.host) && overlay.advertise === undefined && overlay.role === 'member')
    say(
      'overlay.advertise',
      `${overlay.listen.host} is every address; say the one that other members reach this node at`,
    );
  if (ring && overlay.advertise !== undefined && otherFamily(overlay.advertise.host, overlay.listen.host))
    say('overlay.advertise', 'is of another address family than overlay.listen');
  if (ring && overlay.role === 'client' && overlay.seeds.length === 0)
    say('overlay.seeds', 'a client of the ring needs at least one member to ask');
  const local = loopbackSip(parsed) && isLoopback(overlay.listen.host);
  if (ring && !local && parsed.identity.keyFile === '')
    say(
      'identity.keyFile',
      'beyond loopback a domain signs with a key it publishes: chordial keygen --domain DOMAIN --selector N --out FILE',
    );
  if (!isLoopback(parsed.admin.listen.host) && parsed.admin.tokenFile === '')
    say(
      'admin.tokenFile',
      `admin listens on ${parsed.admin.listen.host}, beyond loopback: /api needs a token there`,
    );
  return problems;
}

const freeze = <T>(value: T): DeepReadonly<T> => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  // Freezing is what makes the type true.
  return value as DeepReadonly<T>;
};

const inWords = (issue: z.core.$ZodIssue): string[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown key`)
    : [`${issue.path.join('.')}: ${issue.message}`];

/** The tree without what the schema refused, so that relations between the rest can be told at the same time. */
function withoutRefused(tree: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const pruned: unknown = structuredClone(tree);
  for (const issue of issues)
    for (const path of issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [...issue.path, key])
      : [issue.path])
      removeAt(pruned, path);
  return pruned;
}

function removeAt(owner: unknown, [head, ...rest]: readonly PropertyKey[]): void {
  if (typeof owner !== 'object' || owner === null || head === undefined) return;
  const inner: unknown = Reflect.get(owner, head);
  // A list goes whole: without its refused item it may be too short.
  if (rest.length === 0 || Array.isArray(inner)) Reflect.deleteProperty(owner, head);
  else removeAt(inner, rest);
}

const decideAuth = (parsed: Parsed): 'digest' | 'none' => {
  const auto = loopbackSip(parsed) && parsed.sip.auth.usersFile === '' ? 'none' : 'digest';
  return parsed.sip.auth.mode === 'auto' ? auto : parsed.sip.auth.mode;
};

/** Validates the merged object once; all problems together, each `path: what is wrong`. */
export function parseConfig(merged: unknown): Result<Config, readonly string[]> {
  const parsed = schema.safeParse(merged);
  if (!parsed.success) {
    const rest = schema.safeParse(withoutRefused(merged, parsed.error.issues));
    const related = rest.success ? relations(rest.data, decideAuth(rest.data)) : [];
    return fail([...parsed.error.issues.flatMap(inWords), ...related]);
  }
  const { data } = parsed;
  const mode = decideAuth(data);
  const problems = relations(data, mode);
  if (problems.length > 0) return fail(problems);
  const sip = { ...data.sip, auth: { ...data.sip.auth, mode } };
  const [first = 'localhost', ...others] = data.domain;
  return ok(freeze({ ...data, domain: [first, ...others] satisfies [string, ...string[]], sip }));
}

/** Every key that flags and environment can set, with the kind of its value. */
export const CONFIG_KEYS: readonly {
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'boolean' | 'list';
}[] = leavesOf(schema.parse({ sip: { listen: ['udp:127.0.0.1:5060'] } }), []);

function leavesOf(
  value: unknown,
  path: readonly string[],
): { path: readonly string[]; kind: 'text' | 'number' | 'boolean' | 'list' }[] {
  const name = path.join('.');
  if (Array.isArray(value) || name === 'domain') return [{ path, kind: 'list' }];
  if (typeof value === 'number') return [{ path, kind: 'number' }];
  if (typeof value === 'boolean') return [{ path, kind: 'boolean' }];
  // Addresses are written as text and parsed into objects; per-domain overrides live in the file only.
  if (typeof value !== 'object' || value === null || name.endsWith('.listen'))
    return [{ path, kind: 'text' }];
  if (name === 'domains') return [];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** The configuration as one would write it in the file. Secrets are in files of their own, so there is none to mask. */
export function describeConfig(config: Config): object {
  const { sip, overlay, admin } = config;
  return {
    ...config,
    sip: { ...sip, listen: sip.listen.map(formatListener) },
    overlay: {
      ...overlay,
      listen: formatPlace(overlay.listen),
      advertise: overlay.advertise === undefined ? '' : formatPlace(overlay.advertise),
      seeds: overlay.seeds.map(formatPlace),
    },
    admin: { ...admin, listen: formatPlace(admin.listen) },
  };
}
