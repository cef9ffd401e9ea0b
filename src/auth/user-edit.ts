// Changes of the user file's text: users, aliases and logins set or removed, everything else left as it stands.
import { fail, ok, type Result } from '../runtime/result.ts';
import { type DigestAlgorithm, digestHa1 } from './digest.ts';
import { isData, parseUserFile, splitLines } from './user-file.ts';
import {
  formatUserLine,
  LINE_CHARS_MAX,
  type LinkLine,
  parseUserLine,
  type UserLine,
  unfit,
} from './user-line.ts';

const lineIn = (text: string): UserLine | undefined => {
  if (!isData(text)) return undefined;
  const parsed = parseUserLine(text.trim());
  return parsed.ok ? parsed.value : undefined;
};

const textOf = (lines: readonly string[]): string => (lines.length === 0 ? '' : `${lines.join('\n')}\n`);

const unfitName = (user: string): string | undefined =>
  unfit('user', user) ??
  (user.startsWith('#') || user.trim() !== user
    ? 'the user starts with # or has space around it'
    : undefined);

/**
 * The file with this user's password set: lines of the user in this realm are replaced, everything else stays as it is.
 * `aliasOf`: whom the name is an alias of; the password is then for that user.
 */
export function addUser(
  text: string,
  user: {
    readonly user: string;
    readonly realm: string;
    readonly password: string;
    readonly algorithms: readonly DigestAlgorithm[];
  },
): Result<{ readonly text: string; readonly replaced: boolean; readonly aliasOf: string | undefined }> {
  const realm = user.realm.toLowerCase();
  const problem =
    unfitName(user.user) ??
    unfit('realm', realm) ??
    (user.password === '' ? 'the password is empty' : undefined);
  if (problem !== undefined) return fail(problem);
  const lines = splitLines(text);
  const kept = lines.filter((line) => {
    const one = lineIn(line);
    return !(one?.kind === 'password' && one.user === user.user && one.realm === realm);
  });
  const added = user.algorithms.map((algorithm) =>
    formatUserLine({
      kind: 'password',
      user: user.user,
      realm,
      algorithm,
      ha1: digestHa1(algorithm, { user: user.user, realm, password: user.password }),
    }),
  );
  if (added.some((line) => line.length > LINE_CHARS_MAX))
    return fail(`a line would be longer than ${LINE_CHARS_MAX} characters`);
  const aliasOf = kept.flatMap((line) => {
    const one = lineIn(line);
    return one?.kind === 'alias' && one.user === user.user && one.realm === realm ? [one.of] : [];
  })[0];
  return ok({ text: textOf([...kept, ...added]), replaced: kept.length < lines.length, aliasOf });
}

/**
 * The file with this alias or login; an alias of that name is replaced, a login is one more. Fails if the file would not be
 * read. `wasUser`: the name was a user until now; its password is from now on for the one that it leads to.
 */
export function addLink(
  text: string,
  link: Omit<LinkLine, 'realm'> & { readonly realm: string },
): Result<{ readonly text: string; readonly wasUser: boolean }> {
  const one: LinkLine = { ...link, realm: link.realm.toLowerCase() };
  const problem = unfitName(one.user) ?? unfitName(one.of) ?? unfit('realm', one.realm);
  if (problem !== undefined) return fail(problem);
  const kept = splitLines(text).filter((line) => {
    const other = lineIn(line);
    if (other === undefined || other.kind === 'password' || other.kind !== one.kind) return true;
    return !(
      other.user === one.user &&
      other.realm === one.realm &&
      (one.kind === 'alias' || other.of === one.of)
    );
  });
  const changed = textOf([...kept, formatUserLine(one)]);
  const parsed = parseUserFile(changed);
  if (parsed.ok) {
    const kinds = parsed.value
      .filter((other) => other.user === one.user && other.realm === one.realm)
      .map(({ kind }) => kind);
    const links = kinds.filter((kind) => kind !== 'password').length;
    return ok({ text: changed, wasUser: links === 1 && links < kinds.length });
  }
  // The added line has a number in a file that nobody sees, and what is wrong with it makes others wrong, too.
  const added = splitLines(changed).length;
  const own = parsed.error.find(({ line }) => line === added);
  return fail(own?.problem ?? parsed.error.map(({ line, problem }) => `line ${line}: ${problem}`).join('; '));
}

/**
 * The file without this name, in one realm or (`undefined`) in all; with a user go the aliases and logins that lead to it,
 * and the passwords of those: left alone, such a name would become a user of its own.
 */
export function removeUser(
  text: string,
  user: { readonly user: string; readonly realm: string | undefined },
): { readonly text: string; readonly removed: number } {
  const lines = splitLines(text).map((line) => ({ line, one: lineIn(line) }));
  const realm = user.realm?.toLowerCase();
  const inRealm = ({ realm: other }: UserLine): boolean => realm === undefined || other === realm;
  const isGone = (one: UserLine): boolean =>
    inRealm(one) && (one.user === user.user || (one.kind !== 'password' && one.of === user.user));
  const stays = lines.flatMap(({ one }) => (one === undefined || isGone(one) ? [] : [one]));
  const orphans = new Set<string>();
  for (const { one } of lines) {
    if (one === undefined || one.kind === 'password' || !isGone(one)) continue;
    const another = stays.some(
      (other) => other.kind === 'login' && other.user === one.user && other.realm === one.realm,
    );
    if (!another) orphans.add(`${one.realm}:${one.user}`);
  }
  const kept = lines.filter(
    ({ one }) => one === undefined || !(isGone(one) || orphans.has(`${one.realm}:${one.user}`)),
  );
  return { text: textOf(kept.map(({ line }) => line)), removed: lines.length - kept.length };
}
