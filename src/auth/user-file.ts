// The user file as text: Apache htdigest lines, read, written and changed without losing what else stands in it.
import { fail, ok, type Result } from '../runtime/result.ts';
import { DIGEST_ALGORITHMS, type DigestAlgorithm, digestHa1, HEX_LENGTH } from './digest.ts';

/** `user:realm:HA1` (MD5, as Apache's htdigest writes it), `user:realm:SHA-256:HA1` or `user:realm:SHA-512-256:HA1` (RFC 8760). */
export interface UserLine {
  readonly user: string;
  readonly realm: string;
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  readonly ha1: string;
}

export interface UserFileProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly problem: string;
}

/** Enough for a large domain, and a bound on what a wrong file can do. */
const LINES_MAX = 500_000;
const LINE_CHARS_MAX = 1024;
/** More problems than anyone reads at once. */
const PROBLEMS_MAX = 20;

const isHex = (text: string, length: number): boolean =>
  text.length === length && /^[0-9a-fA-F]+$/.test(text);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a name.
const UNFIT = /[:\x00-\x1f\x7f]/;

/** Why a name can't stand in the user file, or undefined. */
const unfit = (what: string, text: string): string | undefined =>
  text === ''
    ? `the ${what} is empty`
    : UNFIT.test(text) && !(what === 'realm' && /^[0-9a-fA-F:.]+$/.test(text))
      ? `the ${what} holds a colon or a control character`
      : undefined;

/** The algorithm that a field before the HA1 names; MD5 is never named. */
const namedAlgorithm = (field: string | undefined): DigestAlgorithm | undefined =>
  DIGEST_ALGORITHMS.find((algorithm) => algorithm !== 'MD5' && algorithm === field?.toUpperCase());

/** Lines hold nothing secret in these messages: a HA1 is as good as the password. */
function parseLine(text: string): Result<UserLine> {
  if (text.length > LINE_CHARS_MAX) return fail(`longer than ${LINE_CHARS_MAX} characters`);
  const fields = text.split(':');
  const ha1 = fields.pop() ?? '';
  const named = fields.length > 2 ? namedAlgorithm(fields.at(-1)) : undefined;
  if (named !== undefined) fields.pop();
  const [user = '', ...rest] = fields;
  // An IPv6 literal is a realm with colons; a user never has one.
  const realm = rest.join(':');
  const problem =
    rest.length === 0
      ? 'not user:realm:HA1 or user:realm:SHA-256:HA1'
      : realm !== realm.toLowerCase()
        ? // The HA1 holds the realm, and phones hash the one they are challenged with.
          'the realm has upper-case letters; chordial challenges with the domain in lower case, so this HA1 would never fit'
        : (unfit('user', user) ?? unfit('realm', realm));
  if (problem !== undefined) return fail(problem);
  const algorithm = named ?? 'MD5';
  if (!isHex(ha1, HEX_LENGTH[algorithm]))
    return fail(`the HA1 is not ${HEX_LENGTH[algorithm]} hex digits (${algorithm})`);
  return ok({ user, realm, algorithm, ha1: ha1.toLowerCase() });
}

const isData = (line: string): boolean => line.trim() !== '' && !line.startsWith('#');
const linesOf = (text: string): string[] => {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

/** Every line, or every problem with its line number. Empty lines and lines that start with `#` are skipped. */
export function parseUserFile(text: string): Result<readonly UserLine[], readonly UserFileProblem[]> {
  const lines = linesOf(text);
  if (lines.length > LINES_MAX)
    return fail([{ line: LINES_MAX + 1, problem: `more than ${LINES_MAX} lines` }]);
  const users: UserLine[] = [];
  const problems: UserFileProblem[] = [];
  // BOUNDED: by LINES_MAX; gone with the call.
  const firstLine = new Map<string, number>();
  for (const [index, line] of lines.entries()) {
    if (!isData(line)) continue;
    const parsed = parseLine(line.trim());
    if (!parsed.ok) problems.push({ line: index + 1, problem: parsed.error });
    else {
      const { user, realm, algorithm } = parsed.value;
      const key = `${user}:${realm}:${algorithm}`;
      const before = firstLine.get(key);
      // Two passwords for one user: which one counts would depend on the reader.
      if (before !== undefined)
        problems.push({ line: index + 1, problem: `the same user, realm and algorithm as line ${before}` });
      else users.push(parsed.value);
      firstLine.set(key, before ?? index + 1);
    }
    if (problems.length >= PROBLEMS_MAX) break;
  }
  return problems.length === 0 ? ok(users) : fail(problems);
}

const formatUserLine = ({ user, realm, algorithm, ha1 }: UserLine): string =>
  algorithm === 'MD5' ? `${user}:${realm}:${ha1}` : `${user}:${realm}:${algorithm}:${ha1}`;

const isOf = (line: string, user: string, realm: string): boolean => {
  if (!isData(line)) return false;
  const parsed = parseLine(line.trim());
  return parsed.ok && parsed.value.user === user && parsed.value.realm === realm.toLowerCase();
};

/** The file with this user's password set: lines of the user in this realm are replaced, everything else stays as it is. */
export function addUser(
  text: string,
  user: {
    readonly user: string;
    readonly realm: string;
    readonly password: string;
    readonly algorithms: readonly DigestAlgorithm[];
  },
): Result<{ readonly text: string; readonly replaced: boolean }> {
  const realm = user.realm.toLowerCase();
  const problem =
    unfit('user', user.user) ??
    unfit('realm', realm) ??
    (user.user.startsWith('#') || user.user.trim() !== user.user
      ? 'the user starts with # or has space around it'
      : user.password === ''
        ? 'the password is empty'
        : undefined);
  if (problem !== undefined) return fail(problem);
  const lines = linesOf(text);
  const kept = lines.filter((line) => !isOf(line, user.user, realm));
  const added = user.algorithms.map((algorithm) =>
    formatUserLine({
      user: user.user,
      realm,
      algorithm,
      ha1: digestHa1(algorithm, { user: user.user, realm, password: user.password }),
    }),
  );
  if (added.some((line) => line.length > LINE_CHARS_MAX))
    return fail(`a line would be longer than ${LINE_CHARS_MAX} characters`);
  return ok({ text: `${[...kept, ...added].join('\n')}\n`, replaced: kept.length < lines.length });
}

/** The file without this user; `realm` undefined means in every realm. */
export function removeUser(
  text: string,
  user: { readonly user: string; readonly realm: string | undefined },
): { readonly text: string; readonly removed: number } {
  const lines = linesOf(text);
  const kept = lines.filter((line) => {
    if (!isData(line)) return true;
    const parsed = parseLine(line.trim());
    return !(
      parsed.ok &&
      parsed.value.user === user.user &&
      (user.realm === undefined || parsed.value.realm === user.realm.toLowerCase())
    );
  });
  return {
    text: kept.length === 0 ? '' : `${kept.join('\n')}\n`,
    removed: lines.length - kept.length,
  };
}
