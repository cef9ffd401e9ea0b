// The files that the configuration names: read once at start (and on SIGHUP), every problem told with its key.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseUserFile, type UserLine } from './auth/user-file.ts';
import { type Config, isLoopbackOnly } from './config.ts';
import { generateKeyPem, identityFromPem } from './record/identity.ts';
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

/** Collects problems, so that one bad file does not hide the next. */
class Reader {
  // BOUNDED: by the files of the configuration.
  readonly problems: string[] = [];

  text(key: string, path: string): string | undefined {
    if (path === '') return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.problems.push(`${key}: ${messageOf(error)}`);
      return undefined;
    }
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

export function loadFiles(config: Config): Result<LoadedFiles, readonly string[]> {
  const reader = new Reader();
  const users = readUsers(config, reader);
  const trustText = reader.text('trust.file', config.trust.file);
  const trust = trustText === undefined ? undefined : reader.take('trust.file', parseTrustFile(trustText));
  const secretText = reader.text('sip.auth.secretFile', config.sip.auth.secretFile)?.trim();
  if (secretText !== undefined && Buffer.byteLength(secretText) < SECRET_BYTES_MIN)
    reader.problems.push(`sip.auth.secretFile: shorter than ${SECRET_BYTES_MIN} bytes, which can be guessed`);
  const adminToken = reader.text('admin.tokenFile', config.admin.tokenFile)?.trim();
  if (adminToken === '') reader.problems.push('admin.tokenFile: is empty');
  const { keyFile, selector } = config.identity;
  const pem = keyFile === '' ? generateKeyPem().pem : readOrMakeKey(keyFile, isLoopbackOnly(config), reader);
  const [domain] = config.domain;
  const identity =
    pem === undefined
      ? undefined
      : reader.take('identity.keyFile', identityFromPem(pem, { domain, selector }));
  if (identity === undefined || reader.problems.length > 0) return fail(reader.problems);
  return ok({
    identity,
    madeKey: keyFile === '',
    users,
    trust,
    nonceSecret: secretText === undefined ? undefined : Buffer.from(secretText),
    adminToken,
  });
}

/** A missing key file is made at first start where nothing listens off the machine; elsewhere keygen makes it. */
function readOrMakeKey(path: string, mayMake: boolean, reader: Reader): string | undefined {
  if (mayMake) {
    const { pem } = generateKeyPem();
    try {
      writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
      return pem;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        reader.problems.push(`identity.keyFile: ${messageOf(error)}`);
        return undefined;
      }
    }
  }
  return reader.text('identity.keyFile', path);
}
