// The schema of the configuration: every key with its kind, bounds and default.
import { z } from 'zod';
import {
  parseAdvertise,
  parseBind,
  parseListener,
  parseOrigin,
  parseOverlayAdvertise,
  parseOverlayBind,
  parseRemote,
} from './config-address.ts';
import { domains } from './config-domains.ts';
import {
  algorithms,
  cidr,
  contacts,
  domainName,
  domainNames,
  expiry,
  int,
  parsed,
  peers,
  selector,
} from './config-values.ts';
import { LOG_LEVELS } from './runtime/log.ts';

const scannerName = z.string().regex(/^[\x20-\x7e]{3,64}$/, '3 to 64 printable characters');
/** sipvicious and what copies its name, and what Kamailio's stock configuration drops. */
const SCANNERS = [
  'friendly-scanner',
  'friendly-request',
  'sipvicious',
  'sip-scan',
  'sipcli',
  'sundayddr',
  'pplsip',
  'VaxSIPUserAgent',
  'VaxIPUserAgent',
  'siparmyknife',
  'sivus',
] as const;

const registrar = z.strictObject({
  minExpiresSec: expiry.default(60),
  maxExpiresSec: expiry.default(3600),
  defaultExpiresSec: expiry.default(3600),
  maxContacts: contacts.default(10),
});
const identity = z.strictObject({ keyFile: z.string().default(''), selector: selector.default(0) });
export const schema = z.strictObject({
  domain: domainNames.prefault('localhost'),
  aliases: z.array(domainName).default([]),
  domains,
  publication: z.enum(['local', 'public', 'hybrid']).default('public'),
  sip: z
    .strictObject({
      listen: z.array(parsed(parseListener)).min(1).prefault(['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060']),
      advertise: parsed(parseAdvertise).prefault(''),
      tls: z
        .strictObject({
          certFile: z.string().default(''),
          keyFile: z.string().default(''),
          caFile: z.string().default(''),
        })
        .prefault({}),
      webSocket: z.strictObject({ origins: z.array(parsed(parseOrigin)).max(256).default([]) }).prefault({}),
      invite: z.enum(['redirect', 'proxy', 'auto']).default('redirect'),
      auth: z
        .strictObject({
          mode: z.enum(['digest', 'none', 'auto']).default('auto'),
          allowOpen: z.boolean().default(false),
          usersFile: z.string().default(''),
          algorithms: algorithms.default(['MD5']),
          hideUsers: z.boolean().default(false),
          nonceLifetimeSec: int(10, 86_400).default(300),
          secretFile: z.string().default(''),
          trustedPeers: peers.default([]),
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
      listen: parsed(parseOverlayBind).prefault('127.0.0.1:7184'),
      advertise: parsed(parseOverlayAdvertise).prefault(''),
      seeds: z.array(parsed(parseRemote)).max(64).default([]),
      role: z.enum(['member', 'client']).default('member'),
      replicas: int(1, 7).default(3),
      successors: int(1, 32).default(8),
      minMembers: int(0, 64).default(0),
      vnodes: int(1, 16).default(1),
      selfCertified: z.boolean().default(false),
    })
    .prefault({}),
  identity: identity.prefault({}),
  trust: z.strictObject({ file: z.string().default(''), dns: z.boolean().default(true) }).prefault({}),
  limits: z
    .strictObject({
      perSourcePerSec: int(1, 1_000_000).default(200),
      banSec: int(0, 86_400).default(300),
      dropScanners: z.boolean().default(true),
      scanners: z
        .array(scannerName)
        .max(64)
        .default([...SCANNERS]),
      trusted: z.array(cidr).max(256).default(['127.0.0.0/8', '::1']),
      maxConnections: int(1, 1_000_000).default(10_000),
      idleSec: int(10, 86_400).default(120),
      maxMessageBytes: int(1300, 65_535).default(65_535),
    })
    .prefault({}),
  admin: z
    .strictObject({ listen: parsed(parseBind).prefault('127.0.0.1:9184'), tokenFile: z.string().default('') })
    .prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
});

export type Parsed = z.infer<typeof schema>;
