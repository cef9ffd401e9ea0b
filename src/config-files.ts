// The files that the configuration names: read once at start (and on SIGHUP), every problem told with its key.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseUserFile, type UserLine } from './auth/user-file.ts';
import { type Config, isLoopbackOnly } from './config.ts';
import { generateKeyPem, identityFromPem } from './record/identity.ts';
import { isSelfCertifying, selfCertifyingDomain } from './record/self-certifying.ts';
import { parseTrustFile, type TrustMap } from './record/trust-file.ts';
import type { Identity } from './record/types.ts';
import { messageOf } from './runtime/errors.ts';
import { fail, ok, type Result } from './runtime/result.ts';

export interface LoadedFiles {
  /** Of the first domain: signs the bindings of all our domains, and is our place in the ring. */
  readonly identity: Identity;
  /** A key was made because none was configured: it is gone with the process. */
  readonly madeKey: boolean;
  /** Undefined without a user file. */
  readonly users: readonly UserLine[] | undefined;
  readonly trust: TrustMap | undefined;
  /** Undefined: one is made at start. */
  readonly nonceSecret: Uint8Array | undefined;
  readonly adminToken: string | undefined;
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
      // Some of the system's messages name the file, some don't.
      this.problems.push(`${key}: cannot read ${path}: ${messageOf(error)}`);
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

/** Reads users alone: what SIGHUP takes over without touching the rest. */
export function loadUsers(config: Config): Result<readonly UserLine[] | undefined, readonly string[]> {
  const reader = new Reader();
  const users = readUsers(config, reader);
  return reader.problems.length === 0 ? ok(users) : fail(reader.problems);
}

function readUsers(config: Config, reader: Reader): readonly UserLine[] | undefined {
  const { usersFile } = config.sip.auth;
  const text = reader.text('sip.auth.usersFile', usersFile);
  if (text === undefined) return undefined;
  const parsed = parseUserFile(text);
  if (parsed.ok) return parsed.value;
  for (const { line, problem } of parsed.error)
    reader.problems.push(`sip.auth.usersFile: ${usersFile}:${line}: ${problem}`);
  return undefined;
}

/** `keep`: a key that is made is written to its file; checking a configuration changes nothing. */
export function loadFiles(
  config: Config,
  { keep }: { readonly keep: boolean },
): Result<LoadedFiles, readonly string[]> {
  const reader = new Reader();
  const users = readUsers(config, reader);
  const trustText = reader.text('trust.file', config.trust.file);
  const trust = trustText === undefined ? undefined : reader.take('trust.file', parseTrustFile(trustText));
  const secretBytes = reader.bytes('sip.auth.secretFile', config.sip.auth.secretFile);
  const nonceSecret = secretBytes === undefined ? undefined : withoutLineEnd(secretBytes);
  if (nonceSecret !== undefined && nonceSecret.length < SECRET_BYTES_MIN)
    reader.problems.push(`sip.auth.secretFile: shorter than ${SECRET_BYTES_MIN} bytes, which can be guessed`);
  const adminToken = reader.text('admin.tokenFile', config.admin.tokenFile)?.trim();
  if (adminToken !== undefined && !TOKEN.test(adminToken))
    reader.problems.push('admin.tokenFile: is not one word of 1 to 512 printable ASCII characters');
  const { keyFile, selector } = config.identity;
  const mayMake = isLoopbackOnly(config);
  const pem = keyFile === '' ? generateKeyPem().pem : readOrMakeKey(keyFile, { mayMake, keep }, reader);
  const [domain] = config.domain;
  const identity =
    pem === undefined
      ? undefined
      : reader.take('identity.keyFile', identityFromPem(pem, { domain, selector }));
  // Nobody would believe an entry of such a domain that another key signed.
  if (identity !== undefined && isSelfCertifying(domain)) {
    const own = selfCertifyingDomain(identity.publicKey);
    if (own !== domain) reader.problems.push(`domain: the key in identity.keyFile is the domain ${own}`);
  }
  if (identity === undefined || reader.problems.length > 0) return fail(reader.problems);
  return ok({
    identity,
    madeKey: keyFile === '',
    users,
    trust,
    nonceSecret,
    adminToken,
  });
}

/** A missing key file is made at first start where nothing listens off the machine; elsewhere keygen makes it. */
function readOrMakeKey(
  path: string,
  { mayMake, keep }: { readonly mayMake: boolean; readonly keep: boolean },
  reader: Reader,
): string | undefined {
  if (!mayMake || existsSync(path)) return reader.text('identity.keyFile', path);
  const { pem } = generateKeyPem();
  if (!keep) return pem;
  try {
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
    return pem;
  } catch (error) {
    reader.problems.push(`identity.keyFile: cannot make ${path}: ${messageOf(error)}`);
    return undefined;
  }
}
