// The user files that the configuration names: which there are, whose lines each may hold, and what is wrong with one.
import { readUserFile } from './auth/user-file.ts';
import type { UserLine } from './auth/user-line.ts';
import type { Config } from './config.ts';
import { fail, ok, type Result } from './runtime/result.ts';

export interface UserSource {
  /** Where the configuration names it. */
  readonly key: string;
  readonly path: string;
  /** The one domain that it is for; undefined: the common one. */
  readonly domain: string | undefined;
  /** Domains that have a file of their own. */
  readonly elsewhere: ReadonlySet<string>;
}

/** The common file and those of single domains; none where nobody is asked for a password. */
export function userSources({ domain, domains, sip }: Config): readonly UserSource[] {
  const own = domain.flatMap((name) => {
    const path = domains[name]?.auth?.usersFile;
    return path === undefined ? [] : [{ key: `domains.${name}.auth.usersFile`, path, domain: name }];
  });
  const { usersFile } = sip.auth;
  const common = usersFile === '' ? [] : [{ key: 'sip.auth.usersFile', path: usersFile, domain: undefined }];
  const elsewhere = new Set(own.map((one) => one.domain));
  return [...common, ...own].map((one) => ({ ...one, elsewhere }));
}

/** A tenant's file says nothing of another tenant's users, and what stands in two files would be anybody's guess. */
function wrongRealm({ domain, elsewhere }: UserSource, lines: readonly UserLine[]): string | undefined {
  const wrong = lines.find(({ realm }) => (domain === undefined ? elsewhere.has(realm) : realm !== domain));
  if (wrong === undefined) return undefined;
  return domain === undefined
    ? `has ${wrong.user} of ${wrong.realm}, which has a file of its own (domains.${wrong.realm}.auth.usersFile)`
    : `has ${wrong.user} of ${wrong.realm}, and is for ${domain} alone`;
}

/** The lines of one file, in steps; problems with its key, path and line. */
export function* readUsers(
  source: UserSource,
  text: string,
): Generator<undefined, Result<readonly UserLine[], readonly string[]>> {
  const parsed = yield* readUserFile(text);
  const where = `${source.key}: ${source.path}`;
  if (!parsed.ok) return fail(parsed.error.map(({ line, problem }) => `${where}:${line}: ${problem}`));
  const wrong = wrongRealm(source, parsed.value);
  return wrong === undefined ? ok(parsed.value) : fail([`${where}: ${wrong}`]);
}
