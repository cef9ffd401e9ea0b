// The user file as a whole: its lines, or every problem with its line number. Read in steps, so that a large one holds nobody up.
import { atOnce } from '../runtime/in-turns.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { type LinkLine, parseUserLine, type UserLine, userOf } from './user-line.ts';

export interface UserFileProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly problem: string;
}

/** Enough for a large domain, and a bound on what a wrong file can do. */
const LINES_MAX = 500_000;
/** More problems than anyone reads at once. */
const PROBLEMS_MAX = 20;
/** Lines between two places where the reader may be left alone for a while: well below a millisecond of work. */
const STEP_LINES = 250;

export const isData = (line: string): boolean => line.trim() !== '' && !line.startsWith('#');

/** One line after the other, without their ends. */
function* linesOf(text: string): Generator<string> {
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    yield text.slice(at, end > at && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end);
    at = end + 1;
  }
}

/** The lines of the text as an array, without the empty one behind the last line end. */
export const splitLines = (text: string): string[] => [...linesOf(text)];

type Found = Result<readonly UserLine[], readonly UserFileProblem[]>;

/** A link and where it stands. */
interface Placed {
  readonly line: number;
  readonly link: LinkLine;
}

/** `realm:name`: a realm may hold colons, a name doesn't. */
const keyOf = (realm: string, name: string): string => `${realm}:${name}`;

/** Aliases and logins that lead nowhere, on to another one, or to two places. */
function linkProblems(links: readonly Placed[], passwords: ReadonlySet<string>): UserFileProblem[] {
  // BOUNDED: all three by LINES_MAX; gone with the call.
  const aliases = new Map<string, string>();
  const logins = new Set<string>();
  const loginUsers = new Set<string>();
  for (const { link } of links) {
    if (link.kind === 'alias') aliases.set(keyOf(link.realm, link.user), link.of);
    else {
      logins.add(keyOf(link.realm, link.user));
      loginUsers.add(keyOf(link.realm, link.of));
    }
  }
  const isUser = (key: string): boolean =>
    loginUsers.has(key) || (passwords.has(key) && !logins.has(key) && !aliases.has(key));
  const problemOf = ({ kind, user, realm, of }: LinkLine): string | undefined => {
    const [name, target] = [keyOf(realm, user), keyOf(realm, of)];
    const next = aliases.get(target);
    if (next !== undefined)
      return `${of} is itself an alias (of ${next}): an alias or login names the user, so that none leads in a circle`;
    if (kind === 'login')
      return aliases.has(name)
        ? `${user} is an alias, too: its password is for the user it stands for`
        : passwords.has(name)
          ? undefined
          : `there is no password of ${user} in ${realm}`;
    if (loginUsers.has(name))
      return `${user} is a user of its own (a login leads to it), so it can't be an alias`;
    return isUser(target) ? undefined : `there is no user ${of} in ${realm}`;
  };
  return links.flatMap(({ line, link }) => {
    const problem = problemOf(link);
    return problem === undefined ? [] : [{ line, problem }];
  });
}

/** Every line, or every problem. Empty lines and lines that start with `#` are skipped. */
export function* readUserFile(text: string): Generator<undefined, Found> {
  const users: UserLine[] = [];
  const problems: UserFileProblem[] = [];
  // BOUNDED: all three by LINES_MAX; gone with the call.
  const firstLine = new Map<string, number>();
  const passwords = new Set<string>();
  const links: Placed[] = [];
  let line = 0;
  for (const written of linesOf(text)) {
    line += 1;
    if (line > LINES_MAX) return fail([{ line, problem: `more than ${LINES_MAX} lines` }]);
    if (line % STEP_LINES === 0) yield;
    if (!isData(written)) continue;
    const parsed = parseUserLine(written.trim());
    if (!parsed.ok) problems.push({ line, problem: parsed.error });
    else {
      const one = parsed.value;
      const name = keyOf(one.realm, one.user);
      // Two passwords for one user, or two users for one alias: which one counts would depend on the reader.
      const what =
        one.kind === 'password' ? one.algorithm : one.kind === 'alias' ? 'alias' : `login:${one.of}`;
      const key = `${what}:${name}`;
      const before = firstLine.get(key);
      if (before !== undefined)
        problems.push({
          line,
          problem:
            one.kind === 'password'
              ? `the same user, realm and algorithm as line ${before}`
              : `the same ${one.kind} as line ${before}`,
        });
      else {
        firstLine.set(key, line);
        users.push(one);
        if (one.kind === 'password') passwords.add(name).add(keyOf(one.realm, userOf(one.user, one.realm)));
        else links.push({ line, link: one });
      }
    }
    if (problems.length >= PROBLEMS_MAX) break;
  }
  // What a line that can't be read would have said is not known: links are looked at when all the rest is well.
  if (problems.length === 0) problems.push(...linkProblems(links, passwords).slice(0, PROBLEMS_MAX));
  return problems.length === 0 ? ok(users) : fail(problems);
}

/** The same at once. */
export const parseUserFile = (text: string): Found => atOnce(readUserFile(text));
