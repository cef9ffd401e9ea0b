// The configuration: validated once, all problems together, and frozen.
import type { z } from 'zod';
import { loopbackSip, relations } from './config-relations.ts';
import { type Parsed, schema } from './config-schema.ts';
import { fail, ok, type Result } from './runtime/result.ts';
import { isLoopback } from './uri/hosts.ts';

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

/** True when nothing of this server listens off the machine: what may then run without keys and passwords. */
export const isLoopbackOnly = (config: Config): boolean =>
  config.sip.listen.every((one) => isLoopback(one.host)) && isLoopback(config.overlay.listen.host);

const freeze = <T>(value: T): DeepReadonly<T> => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  // Freezing is what makes the type true.
  return value as DeepReadonly<T>;
};

const inWords = (issue: z.core.$ZodIssue): string[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown key`)
    : [`${issue.path.join('.')}: ${issue.message}`];

/** The tree without what the schema refused, so that relations between the rest can be told at the same time. */
function withoutRefused(tree: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const pruned: unknown = structuredClone(tree);
  for (const issue of issues)
    for (const path of issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [...issue.path, key])
      : [issue.path])
      removeAt(pruned, path);
  return pruned;
}

function removeAt(owner: unknown, [head, ...rest]: readonly PropertyKey[]): void {
  if (typeof owner !== 'object' || owner === null || head === undefined) return;
  const inner: unknown = Reflect.get(owner, head);
  // A list goes whole: without its refused item it may be too short.
  if (rest.length === 0 || Array.isArray(inner)) Reflect.deleteProperty(owner, head);
  else removeAt(inner, rest);
}

const decideAuth = (parsed: Parsed): 'digest' | 'none' => {
  const { mode, usersFile } = parsed.sip.auth;
  if (mode !== 'auto') return mode;
  const users = usersFile !== '' || Object.values(parsed.domains).some((own) => own.auth?.usersFile);
  return loopbackSip(parsed) && !users ? 'none' : 'digest';
};

/** Validates the merged object once; all problems together, each `path: what is wrong`. */
export function parseConfig(merged: unknown): Result<Config, readonly string[]> {
  const parsed = schema.safeParse(merged);
  if (!parsed.success) {
    const rest = schema.safeParse(withoutRefused(merged, parsed.error.issues));
    const related = rest.success ? relations(rest.data, decideAuth(rest.data)) : [];
    return fail([...parsed.error.issues.flatMap(inWords), ...related]);
  }
  const { data } = parsed;
  const mode = decideAuth(data);
  const problems = relations(data, mode);
  if (problems.length > 0) return fail(problems);
  const sip = { ...data.sip, auth: { ...data.sip.auth, mode } };
  const [first = 'localhost', ...others] = data.domain;
  return ok(freeze({ ...data, domain: [first, ...others] satisfies [string, ...string[]], sip }));
}
