// The configuration: validated once, all problems together, and frozen.
import type { z } from 'zod';
import { loopbackSip } from './config-loopback.ts';
import { relations } from './config-relations.ts';
import { type Parsed, schema } from './config-schema.ts';
import { issueInWords } from './config-words.ts';
import { fail, ok, type Result } from './runtime/result.ts';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The effective configuration, frozen. `domain` is always a list; `auth.mode` is decided. */
export type Config = DeepReadonly<
  Omit<Parsed, 'domain' | 'sip'> & {
    domain: [string, ...string[]];
    sip: Omit<Parsed['sip'], 'auth'> & {
      auth: Omit<Parsed['sip']['auth'], 'mode'> & { mode: 'digest' | 'none' };
    };
  }
>;

const freeze = <T>(value: T): DeepReadonly<T> => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  // Freezing is what makes the type true.
  return value as DeepReadonly<T>;
};

/** The tree without what the schema refused, so that relations between the rest, and its files, can be told of at the same time. */
function withoutRefused(tree: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const pruned: unknown = structuredClone(tree);
  for (const issue of issues)
    for (const path of issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [...issue.path, key])
      : [issue.path])
      removeAt(pruned, path);
  return pruned;
}

/** False: there is nothing of that name, and its owner is no use without it. */
function removeAt(owner: unknown, [head, ...rest]: readonly PropertyKey[]): boolean {
  if (typeof owner !== 'object' || owner === null || head === undefined) return true;
  const inner: unknown = Reflect.get(owner, head);
  if (rest.length === 0 && inner === undefined) return false;
  // A list goes whole: without its refused item it may be too short.
  if (rest.length === 0 || Array.isArray(inner) || !removeAt(inner, rest))
    Reflect.deleteProperty(owner, head);
  return true;
}

const decideAuth = (parsed: Parsed): 'digest' | 'none' => {
  const { mode, usersFile } = parsed.sip.auth;
  if (mode !== 'auto') return mode;
  const users = usersFile !== '' || Object.values(parsed.domains).some((own) => own.auth?.usersFile);
  return loopbackSip(parsed) && !users ? 'none' : 'digest';
};

/** What a reading came to: every problem, and the configuration, without what was refused if there are any. */
export interface ConfigReading {
  readonly problems: readonly string[];
  /** Undefined: so little is left that there is no use in looking at it. */
  readonly config: Config | undefined;
}

/** Validates the merged object once; all problems together, each `path: what is wrong`. */
export function readTree(merged: unknown): ConfigReading {
  const whole = schema.safeParse(merged);
  const refused = whole.success ? [] : whole.error.issues;
  const rest = whole.success ? whole : schema.safeParse(withoutRefused(merged, refused));
  const problems = refused.flatMap(issueInWords);
  if (!rest.success) return { problems, config: undefined };
  const { data } = rest;
  const mode = decideAuth(data);
  problems.push(...relations(data, mode));
  // Whose the users and keys are is not known then.
  if (refused.some(({ path }) => path[0] === 'domain')) return { problems, config: undefined };
  const sip = { ...data.sip, auth: { ...data.sip.auth, mode } };
  const [first = 'localhost', ...others] = data.domain;
  const config = freeze({ ...data, domain: [first, ...others] satisfies [string, ...string[]], sip });
  return { problems, config };
}

/** The same where nothing may be wrong. */
export const parseConfig = (merged: unknown): Result<Config, readonly string[]> => configOf(readTree(merged));

export const configOf = ({ problems, config }: ConfigReading): Result<Config, readonly string[]> =>
  config === undefined || problems.length > 0 ? fail(problems) : ok(config);
