// The files that the configuration names: read once at start (and on SIGHUP), every problem told with its key.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { UserLine } from './auth/user-line.ts';
import type { Config } from './config.ts';
import { isLoopbackOnly } from './config-loopback.ts';
import { type LoadedTls, loadTls } from './config-tls-files.ts';
import { readUsers, userSources } from './config-users.ts';
import { generateKeyPem, identityFromPem } from './record/identity.ts';
import { isSelfCertifying, selfCertifyingDomain } from './record/self-certifying.ts';
import { parseTrustFile, type TrustMap } from './record/trust-file.ts';
import type { Identity } from './record/types.ts';
import { messageOf } from './runtime/errors.ts';
import { atOnce } from './runtime/in-turns.ts';
import { fail, ok, type Result } from './runtime/result.ts';

export interface LoadedFiles {
  /** Of the first domain: signs the bindings of all that have no key of their own, and is our place in the ring. */
  readonly identity: Identity;
  /** Those of further domains that have one: each signs its own domain's bindings. */
  readonly tenants?: readonly Identity[];
  /** A key was made because none was configured: it is gone with the process. */
  readonly madeKey: boolean;
  /** Undefined without a user file. */
  readonly users: readonly UserLine[] | undefined;
  readonly trust: TrustMap | undefined;
  /** Undefined: one is made at start. */
  readonly nonceSecret: Uint8Array | undefined;
  /** Of domains that have one of their own. BOUNDED: by the configuration. */
  readonly nonceSecrets?: ReadonlyMap<string, Uint8Array>;
  readonly adminToken: string | undefined;
  /** Absent: no certificates, no roots of our own. */
  readonly tls?: LoadedTls;
}

const SECRET_BYTES_MIN = 16;
/** What an Authorization header can carry behind `Bearer`. */
const TOKEN = /^[!-~]{1,512}$/;

/** Without the line end that an editor leaves; nothing else is touched, for random bytes need not be text. */
const withoutLineEnd = (bytes: Buffer): Buffer => {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  return bytes.subarray(0, end);
};

/** Collects problems, so that one bad file does not hide the next. */
class Reader {
  // BOUNDED: by the files of the configuration.
  readonly problems: string[] = [];

  bytes(key: string, path: string): Buffer | undefined {
    if (path === '') return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      // Some of the system's messages name the file, some don't: once is enough.
      this.problems.push(`${key}: cannot read ${path}: ${messageOf(error).replace(/, open '.*'$/, '')}`);
      return undefined;
    }
  }

  text(key: string, path: string): string | undefined {
    return this.bytes(key, path)?.toString('utf8');
  }

  take<T>(key: string, parsed: Result<T, string | readonly string[]>): T | undefined {
    if (parsed.ok) return parsed.value;
    for (const problem of [parsed.error].flat()) this.problems.push(`${key}: ${problem}`);
    return undefined;
  }
}

/** The lines of all user files; undefined without one. */
function loadUsers(config: Config, reader: Reader): readonly UserLine[] | undefined {
  const sources = userSources(config);
  if (sources.length === 0) return undefined;
  const lines: UserLine[] = [];
  for (const source of sources) {
    const text = reader.text(source.key, source.path);
    if (text === undefined) continue;
    const read = atOnce(readUsers(source, text));
    if (!read.ok) reader.problems.push(...read.error);
    // Not as arguments of push: a large file has more lines than a call may have.
    else for (const line of read.value) lines.push(line);
  }
  return lines;
}

function loadSecret(key: string, path: string, reader: Reader): Uint8Array | undefined {
  const bytes = reader.bytes(key, path);
  const secret = bytes === undefined ? undefined : withoutLineEnd(bytes);
  if (secret !== undefined && secret.length < SECRET_BYTES_MIN)
    reader.problems.push(`${key}: shorter than ${SECRET_BYTES_MIN} bytes, which can be guessed`);
  return secret;
}

function loadOwnSecrets(config: Config, reader: Reader): ReadonlyMap<string, Uint8Array> {
  // BOUNDED: by the configuration.
  const secrets = new Map<string, Uint8Array>();
  for (const [domain, { auth }] of Object.entries(config.domains)) {
    const secret = loadSecret(`domains.${domain}.auth.secretFile`, auth?.secretFile ?? '', reader);
    if (secret !== undefined) secrets.set(domain, secret);
  }
  return secrets;
}

/** The key of one domain; undefined when there is a problem, which the reader then has. */
function loadIdentity(
  whose: {
    readonly key: string;
    readonly domain: string;
    readonly keyFile: string;
    readonly selector: number;
  },
  options: { readonly mayMake: boolean; readonly keep: boolean },
  reader: Reader,
): Identity | undefined {
  const { key, domain, keyFile, selector } = whose;
  const pem =
    keyFile === '' ? generateKeyPem().pem : readOrMakeKey(`${key}.keyFile`, keyFile, options, reader);
  const identity =
    pem === undefined ? undefined : reader.take(`${key}.keyFile`, identityFromPem(pem, { domain, selector }));
  return identity;
}

/** A self-certifying domain is its key: nobody would believe an entry of it that another key signed. */
function checkSelfCertifying(config: Config, identities: readonly Identity[], reader: Reader): void {
  const [first, ...others] = identities;
  for (const domain of config.domain.filter(isSelfCertifying)) {
    const identity = others.find((one) => one.domain === domain) ?? first;
    if (identity === undefined) continue;
    const own = selfCertifyingDomain(identity.publicKey);
    const key = identity === first ? 'identity' : `domains.${domain}.identity`;
    if (own !== domain) reader.problems.push(`domain: the key in ${key}.keyFile is the domain ${own}`);
  }
}

/** `keep`: a key that is made is written to its file; checking a configuration changes nothing. */
export function loadFiles(
  config: Config,
  { keep }: { readonly keep: boolean },
): Result<LoadedFiles, readonly string[]> {
  const reader = new Reader();
  const users = loadUsers(config, reader);
  const trustText = reader.text('trust.file', config.trust.file);
  const trust = trustText === undefined ? undefined : reader.take('trust.file', parseTrustFile(trustText));
  const nonceSecret = loadSecret('sip.auth.secretFile', config.sip.auth.secretFile, reader);
  const nonceSecrets = loadOwnSecrets(config, reader);
  const adminToken = reader.text('admin.tokenFile', config.admin.tokenFile)?.trim();
  if (adminToken !== undefined && !TOKEN.test(adminToken))
    reader.problems.push('admin.tokenFile: is not one word of 1 to 512 printable ASCII characters');
  const tls = loadTls(config);
  if (!tls.ok) reader.problems.push(...tls.error);
  const making = { mayMake: isLoopbackOnly(config), keep };
  const [domain, ...others] = config.domain;
  const identity = loadIdentity({ key: 'identity', domain, ...config.identity }, making, reader);
  const tenants = others.flatMap((name) => {
    const own = config.domains[name]?.identity;
    if (own === undefined) return [];
    const loaded = loadIdentity({ key: `domains.${name}.identity`, domain: name, ...own }, making, reader);
    return loaded === undefined ? [] : [loaded];
  });
  if (identity !== undefined) checkSelfCertifying(config, [identity, ...tenants], reader);
  if (identity === undefined || reader.problems.length > 0) return fail(reader.problems);
  return ok({
    identity,
    tenants,
    madeKey: config.identity.keyFile === '',
    users,
    trust,
    nonceSecret,
    nonceSecrets,
    adminToken,
    ...(tls.ok ? { tls: tls.value } : {}),
  });
}

/** A missing key file is made at first start where nothing listens off the machine; elsewhere keygen makes it. */
function readOrMakeKey(
  key: string,
  path: string,
  { mayMake, keep }: { readonly mayMake: boolean; readonly keep: boolean },
  reader: Reader,
): string | undefined {
  if (!mayMake || existsSync(path)) return reader.text(key, path);
  const { pem } = generateKeyPem();
  if (!keep) return pem;
  try {
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
    return pem;
  } catch (error) {
    reader.problems.push(`${key}: cannot make ${path}: ${messageOf(error)}`);
    return undefined;
  }
}
