// The schema of the configuration: every key with its kind, bounds and default.
import { isIP } from 'node:net';
import { z } from 'zod';
import { LOG_LEVELS } from './runtime/log.ts';
import { canonicalDomain } from './uri/hosts.ts';

const host = '(?:\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9_.-]+)';
const LISTENER = new RegExp(`^(udp|tcp|tls|ws|wss):(${host}):(\\d{1,5})(?:=(${host}):(\\d{1,5}))?$`);
const HOST_PORT = new RegExp(`^(${host}):(\\d{1,5})$`);
const HOST_MAYBE_PORT = new RegExp(`^(${host})(?::(\\d{1,5}))?$`);

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const bare = (text: string): string => text.replace(/^\[|\]$/g, '');
const isPort = (text: string): boolean => Number(text) <= 65_535;
const stringIssue = (ctx: z.RefinementCtx, message: string): typeof z.NEVER => {
  ctx.addIssue({ code: 'custom', message });
  return z.NEVER;
};

const listener = z.string().transform((text, ctx) => {
  const [, transport, bindHost, port, advertisedHost, advertisedPort] = LISTENER.exec(text) ?? [];
  if (
    transport === undefined ||
    bindHost === undefined ||
    port === undefined ||
    !isPort(port) ||
    !isPort(advertisedPort ?? '0')
  )
    return stringIssue(
      ctx,
      `"${text}" is not transport:host:port[=host:port] (udp or tcp; IPv6 in brackets)`,
    );
  if (transport !== 'udp' && transport !== 'tcp')
    return stringIssue(ctx, `"${text}": this version listens on udp and tcp only`);
  if (isIP(bare(bindHost)) === 0)
    return stringIssue(ctx, `"${text}": a listener binds an IP address, not a name`);
  const own =
    advertisedHost === undefined ? undefined : { host: bare(advertisedHost), port: Number(advertisedPort) };
  return { transport, host: bare(bindHost), port: Number(port), advertised: own } as const;
});

const hostPort = z.string().transform((text, ctx): HostPort => {
  const [, name, port] = HOST_PORT.exec(text) ?? [];
  if (name === undefined || port === undefined || !isPort(port))
    return stringIssue(ctx, `"${text}" is not host:port (IPv6 in brackets)`);
  return { host: bare(name), port: Number(port) };
});

const maybeHostPort = z
  .string()
  .transform((text, ctx): { host: string; port: number | undefined } | undefined => {
    if (text === '') return undefined;
    const [, name, port] = HOST_MAYBE_PORT.exec(text) ?? [];
    if (name === undefined || !isPort(port ?? '0'))
      return stringIssue(ctx, `"${text}" is not host or host:port`);
    return { host: bare(name), port: port === undefined ? undefined : Number(port) };
  });

const domainName = z.string().transform((text, ctx) => {
  const canonical = canonicalDomain(text);
  return canonical.ok ? canonical.value : stringIssue(ctx, `"${text}" is not a domain: ${canonical.error}`);
});
const int = (min: number, max: number) => z.int().min(min).max(max);

const cidr = z.string().refine((text) => {
  const [address = '', bits, ...rest] = text.split('/');
  const width = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return (
    width > 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width))
  );
}, 'an address or a range such as 10.0.0.0/8');

const expiry = int(1, 2 ** 31 - 1);
const contacts = int(1, 10);
const registrar = z.strictObject({
  minExpiresSec: expiry.default(60),
  maxExpiresSec: expiry.default(3600),
  defaultExpiresSec: expiry.default(3600),
  maxContacts: contacts.default(10),
});
const identity = z.strictObject({ keyFile: z.string().default(''), selector: int(0, 15).default(0) });
/** What one domain has of its own; no defaults here: an absent key is the common one. */
const ownOfDomain = z.strictObject({
  registrar: z
    .strictObject({
      minExpiresSec: expiry,
      maxExpiresSec: expiry,
      defaultExpiresSec: expiry,
      maxContacts: contacts,
    })
    .partial()
    .prefault({}),
});

export const schema = z.strictObject({
  domain: z.union([domainName, z.array(domainName).min(1)]).default('localhost'),
  aliases: z.array(domainName).default([]),
  domains: z.record(domainName, ownOfDomain).default({}),
  publication: z.enum(['local', 'public', 'hybrid']).default('public'),
  sip: z
    .strictObject({
      listen: z.array(listener).min(1).prefault(['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060']),
      advertise: z
        .string()
        .regex(/^(?:[A-Za-z0-9_.:-]{1,253}|\[[0-9a-fA-F:.]+\])?$/, 'a host name or IP address')
        .default(''),
      tls: z
        .strictObject({
          certFile: z.string().default(''),
          keyFile: z.string().default(''),
          caFile: z.string().default(''),
        })
        .prefault({}),
      invite: z.enum(['redirect', 'proxy', 'auto']).default('redirect'),
      auth: z
        .strictObject({
          mode: z.enum(['digest', 'none', 'auto']).default('auto'),
          allowOpen: z.boolean().default(false),
          usersFile: z.string().default(''),
          algorithms: z
            .array(z.enum(['MD5', 'SHA-256']))
            .min(1)
            .max(2)
            .default(['MD5']),
          nonceLifetimeSec: int(10, 86_400).default(300),
          secretFile: z.string().default(''),
        })
        .prefault({}),
    })
    .prefault({}),
  registrar: registrar.prefault({}),
  overlay: z
    .strictObject({
      id: z
        .string()
        .regex(/^[\x21-\x7e]{1,32}$/, '1 to 32 printable characters without spaces')
        .default('lsp'),
      listen: hostPort.prefault('127.0.0.1:7184'),
      advertise: maybeHostPort.prefault(''),
      seeds: z.array(hostPort).max(64).default([]),
      role: z.enum(['member', 'client']).default('member'),
      replicas: int(1, 7).default(3),
      successors: int(1, 32).default(8),
      minMembers: int(0, 64).default(0),
    })
    .prefault({}),
  identity: identity.prefault({}),
  trust: z.strictObject({ file: z.string().default(''), dns: z.boolean().default(true) }).prefault({}),
  limits: z
    .strictObject({
      perSourcePerSec: int(1, 1_000_000).default(200),
      banSec: int(0, 86_400).default(300),
      trusted: z.array(cidr).max(256).default(['127.0.0.0/8', '::1']),
      maxConnections: int(1, 1_000_000).default(10_000),
      idleSec: int(10, 86_400).default(120),
      maxMessageBytes: int(1300, 65_535).default(65_535),
    })
    .prefault({}),
  admin: z
    .strictObject({ listen: hostPort.prefault('127.0.0.1:9184'), tokenFile: z.string().default('') })
    .prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
});

export type Parsed = z.infer<typeof schema>;
