// One line of the user file: a password's hash, an alias, or whose phone an authentication name is; read and written.
import { fail, ok, type Result } from '../runtime/result.ts';
import { DIGEST_ALGORITHMS, type DigestAlgorithm, HEX_LENGTH } from './digest.ts';

interface Named {
  /** What stands first: the name that the line is about. */
  readonly user: string;
  readonly realm: string;
}

/** `user:realm:HA1` (MD5, as Apache's htdigest writes it), `user:realm:SHA-256:HA1` or `user:realm:SHA-512-256:HA1` (RFC 8760). */
export interface PasswordLine extends Named {
  readonly kind: 'password';
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  readonly ha1: string;
}

/** `101:realm:alias:alice`: 101 is alice. `a.smith:realm:login:alice`: the credentials of a.smith are for alice. */
export interface LinkLine extends Named {
  readonly kind: 'alias' | 'login';
  /** The user meant. */
  readonly of: string;
}

export type UserLine = PasswordLine | LinkLine;

export const LINE_CHARS_MAX = 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a name.
const UNFIT = /[:\x00-\x1f\x7f]/;
const HEX = /^[0-9a-fA-F]+$/;

/** Why a name can't stand in the user file, or undefined. */
export const unfit = (what: string, text: string): string | undefined =>
  text === ''
    ? `the ${what} is empty`
    : UNFIT.test(text) && !(what === 'realm' && /^[0-9a-fA-F:.]+$/.test(text))
      ? `the ${what} holds a colon or a control character`
      : undefined;

/**
 * The user that a spelling of the name means. sipsak sends `alice@`, others `alice@example.com`, and each hashes into the
 * HA1 what it sends: such a phone needs a line of its own in the user file, and that line stands for `alice`.
 */
export function userOf(username: string, realm: string): string {
  const at = username.lastIndexOf('@');
  if (at <= 0) return username;
  const domain = username.slice(at + 1).toLowerCase();
  return domain === '' || domain === realm.toLowerCase() ? username.slice(0, at) : username;
}

/** The algorithm that a field before the HA1 names; MD5 is never named. */
const namedAlgorithm = (field: string): DigestAlgorithm | undefined =>
  DIGEST_ALGORITHMS.find((algorithm) => algorithm !== 'MD5' && algorithm === field.toUpperCase());

/** Lines hold nothing secret in these messages: a HA1 is as good as the password. */
export function parseUserLine(text: string): Result<UserLine> {
  if (text.length > LINE_CHARS_MAX) return fail(`longer than ${LINE_CHARS_MAX} characters`);
  const fields = text.split(':');
  const last = fields.pop() ?? '';
  const word = fields.length > 2 ? (fields.at(-1) ?? '') : '';
  const named = namedAlgorithm(word);
  const link = word === 'alias' || word === 'login' ? word : undefined;
  if (named !== undefined || link !== undefined) fields.pop();
  const [user = '', ...rest] = fields;
  // An IPv6 literal is a realm with colons; a user never has one.
  const realm = rest.join(':');
  const problem =
    rest.length === 0
      ? 'not user:realm:HA1, user:realm:SHA-256:HA1, name:realm:alias:user or name:realm:login:user'
      : realm !== realm.toLowerCase()
        ? // The HA1 holds the realm, and phones hash the one they are challenged with.
          'the realm has upper-case letters; chordial challenges with the domain in lower case, so this HA1 would never fit'
        : (unfit('user', user) ?? unfit('realm', realm));
  if (problem !== undefined) return fail(problem);
  if (link !== undefined) {
    const wrong = unfit(`user after ${link}`, last);
    if (wrong !== undefined) return fail(wrong);
    return last === user
      ? fail(`${user} is made ${link === 'alias' ? 'an alias' : 'a login'} of itself`)
      : ok({ kind: link, user, realm, of: last });
  }
  const algorithm = named ?? 'MD5';
  if (last.length !== HEX_LENGTH[algorithm] || !HEX.test(last))
    return fail(`the HA1 is not ${HEX_LENGTH[algorithm]} hex digits (${algorithm})`);
  return ok({ kind: 'password', user, realm, algorithm, ha1: last.toLowerCase() });
}

export const formatUserLine = (line: UserLine): string => {
  const { user, realm } = line;
  if (line.kind !== 'password') return `${user}:${realm}:${line.kind}:${line.of}`;
  return line.algorithm === 'MD5'
    ? `${user}:${realm}:${line.ha1}`
    : `${user}:${realm}:${line.algorithm}:${line.ha1}`;
};
