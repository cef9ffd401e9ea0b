// What the keys of the domains must be to each other and to the common ones: names, users, limits, keys.
import type { Parsed } from './config-schema.ts';
import { isLoopback } from './uri/hosts.ts';

/** LMAX (docs/lsp.md, constants): no entry of the ring lives longer, whatever a registrar grants. */
const ENTRY_LIFETIME_MAX_SEC = 3600;

type Say = (path: string, text: string) => void;

/** Without keys whose value is undefined: those would shadow what they override. */
export const definedOf = <T extends object>(own: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>; // what the filter leaves
  };

/** Every domain is listed once, and every alias is another name of the first. */
function names({ domain, aliases, domains }: Parsed, say: Say): void {
  const [first] = domain;
  const owned = new Set(domain);
  if (owned.size < domain.length) say('domain', 'each domain can stand once');
  for (const name of Object.keys(domains))
    if (!owned.has(name)) say(`domains.${name}`, 'is not in the list under domain');
  for (const alias of aliases)
    if (alias !== first && owned.has(alias))
      say('aliases', `${alias} is a domain of its own, so it cannot be another name of ${first}`);
}

function users({ sip: { auth } }: Parsed, mode: 'digest' | 'none', say: Say): void {
  if (new Set(auth.algorithms).size < auth.algorithms.length)
    say('sip.auth.algorithms', 'each algorithm can stand once');
  if (mode === 'digest' && auth.usersFile === '')
    say(
      'sip.auth.usersFile',
      'passwords are asked for (sip.auth.mode), so a user file is needed: chordial users add NAME --file FILE',
    );
}

function limits({ registrar, domains, publication }: Parsed, say: Say): void {
  const all = [
    { path: 'registrar', one: registrar },
    ...Object.entries(domains).map(([name, own]) => ({
      path: `domains.${name}.registrar`,
      one: { ...registrar, ...definedOf(own.registrar) },
    })),
  ];
  for (const { path, one } of all) {
    if (one.minExpiresSec > one.maxExpiresSec)
      say(`${path}.minExpiresSec`, `${one.minExpiresSec} is more than maxExpiresSec ${one.maxExpiresSec}`);
    if (one.defaultExpiresSec > one.maxExpiresSec || one.defaultExpiresSec < one.minExpiresSec)
      say(
        `${path}.defaultExpiresSec`,
        `${one.defaultExpiresSec} is not between minExpiresSec and maxExpiresSec`,
      );
    if (publication !== 'local' && one.maxExpiresSec > ENTRY_LIFETIME_MAX_SEC)
      say(
        `${path}.maxExpiresSec`,
        `the ring keeps nothing longer than ${ENTRY_LIFETIME_MAX_SEC} s; more is possible only with publication: local`,
      );
  }
}

function keys({ publication, identity, sip, overlay }: Parsed, say: Say): void {
  const local = sip.listen.every((one) => isLoopback(one.host)) && isLoopback(overlay.listen.host);
  if (publication !== 'local' && !local && identity.keyFile === '')
    say(
      'identity.keyFile',
      'beyond loopback a domain signs with a key it publishes: chordial keygen --domain DOMAIN --selector N --out FILE',
    );
}

export function domainRelations(parsed: Parsed, mode: 'digest' | 'none'): readonly string[] {
  const problems: string[] = [];
  const say: Say = (path, text) => void problems.push(`${path}: ${text}`);
  users(parsed, mode, say);
  limits(parsed, say);
  names(parsed, say);
  keys(parsed, say);
  return problems;
}
