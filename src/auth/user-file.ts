// The user file as a whole: its lines, or every problem with its line number. Read in steps, so that a large one holds nobody up.
import { atOnce } from '../runtime/in-turns.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import type { DigestAlgorithm } from './digest.ts';
import { parseUserLine, type UserLine, userOf } from './user-line.ts';

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

/** Where the names of one realm stand. BOUNDED: all by LINES_MAX; gone with the reading. */
interface Names {
  readonly passwords: Map<DigestAlgorithm, Map<string, number>>;
  /** Users whose password stands under another spelling (`alice@`). */
  readonly spelled: Set<string>;
  readonly aliases: Map<string, Place>;
  /** Authentication name → user → line. */
  readonly logins: Map<string, Map<string, number>>;
  readonly loginUsers: Set<string>;
}

/** Whom a link leads to, and its line. */
interface Place {
  readonly of: string;
  readonly line: number;
}

const noNames = (): Names => ({
  passwords: new Map(),
  spelled: new Set(),
  aliases: new Map(),
  logins: new Map(),
  loginUsers: new Set(),
});

const inMap = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

/** Takes a line in; the line that says the same already, if there is one: which of the two counts would depend on the reader. */
function take(one: UserLine, line: number, names: Names): number | undefined {
  const { user } = one;
  if (one.kind === 'alias') {
    const before = names.aliases.get(user);
    if (before === undefined) names.aliases.set(user, { of: one.of, line });
    return before?.line;
  }
  const [map, key] =
    one.kind === 'password'
      ? [inMap(names.passwords, one.algorithm, () => new Map<string, number>()), user]
      : [inMap(names.logins, user, () => new Map<string, number>()), one.of];
  const before = map.get(key);
  if (before !== undefined) return before;
  map.set(key, line);
  if (one.kind === 'login') names.loginUsers.add(one.of);
  else {
    const plain = userOf(user, one.realm);
    if (plain !== user) names.spelled.add(plain);
  }
  return undefined;
}

/** Aliases and logins that lead nowhere, on to another one, or to two places. */
function* linkProblems(realm: string, names: Names): Generator<undefined, readonly UserFileProblem[]> {
  const { passwords, spelled, aliases, logins, loginUsers } = names;
  const hasPassword = (user: string): boolean =>
    spelled.has(user) || [...passwords.values()].some((users) => users.has(user));
  const isUser = (user: string): boolean =>
    loginUsers.has(user) || (hasPassword(user) && !logins.has(user) && !aliases.has(user));
  const throughAlias = (of: string): string | undefined => {
    const next = aliases.get(of)?.of;
    return next === undefined
      ? undefined
      : `${of} is itself an alias (of ${next}): an alias or login names the user, so that none leads in a circle`;
  };
  const aliasProblem = (user: string, of: string): string | undefined =>
    throughAlias(of) ??
    (loginUsers.has(user)
      ? `${user} is a user of its own (a login leads to it), so it can't be an alias`
      : isUser(of)
        ? undefined
        : `there is no user ${of} in ${realm}`);
  const loginProblem = (user: string, of: string): string | undefined =>
    throughAlias(of) ??
    (aliases.has(user)
      ? `${user} is an alias, too: its password is for the user it stands for`
      : hasPassword(user)
        ? undefined
        : `there is no password of ${user} in ${realm}`);
  const problems: UserFileProblem[] = [];
  const say = (line: number, problem: string | undefined): void => {
    if (problem !== undefined && problems.length < PROBLEMS_MAX) problems.push({ line, problem });
  };
  let done = 0;
  for (const [user, { of, line }] of aliases) {
    say(line, aliasProblem(user, of));
    done += 1;
    if (done % STEP_LINES === 0) yield;
  }
  for (const [user, targets] of logins) {
    for (const [of, line] of targets) say(line, loginProblem(user, of));
    done += 1;
    if (done % STEP_LINES === 0) yield;
  }
  return problems;
}

const sameAs = (one: UserLine, before: number): string =>
  one.kind === 'password'
    ? `the same user, realm and algorithm as line ${before}`
    : `the same ${one.kind} as line ${before}`;

/** Every line, or every problem. Empty lines and lines that start with `#` are skipped. */
export function* readUserFile(text: string): Generator<undefined, Found> {
  const users: UserLine[] = [];
  const problems: UserFileProblem[] = [];
  // BOUNDED: by LINES_MAX; gone with the call.
  const realms = new Map<string, Names>();
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
      const before = take(one, line, inMap(realms, one.realm, noNames));
      if (before === undefined) users.push(one);
      else problems.push({ line, problem: sameAs(one, before) });
    }
    if (problems.length >= PROBLEMS_MAX) break;
  }
  // What a line that can't be read would have said is not known: links are looked at when all the rest is well.
  if (problems.length === 0)
    for (const [realm, names] of realms) problems.push(...(yield* linkProblems(realm, names)));
  return problems.length === 0
    ? ok(users)
    : fail(problems.toSorted((a, b) => a.line - b.line).slice(0, PROBLEMS_MAX));
}

/** The same at once. */
export const parseUserFile = (text: string): Found => atOnce(readUserFile(text));
