// What the keys of the domains must be to each other and to the common ones: names, users, limits, keys.
import { isLoopbackOnly } from './config-loopback.ts';
import type { Parsed } from './config-schema.ts';

/** LMAX (docs/lsp.md, constants): no entry of the ring lives longer, whatever a registrar grants. */
const ENTRY_LIFETIME_MAX_SEC = 3600;

type Say = (path: string, text: string) => void;

/** Without keys whose value is undefined: those would shadow what they override. */
export const definedOf = <T extends object>(own: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>; // what the filter leaves
  };

/** Every domain is listed once, and every alias is another name of exactly one of them. */
function names({ domain, aliases, domains }: Parsed, say: Say): void {
  const [first] = domain;
  const owned = new Set(domain);
  if (owned.size < domain.length) say('domain', 'each domain can stand once');
  for (const name of Object.keys(domains))
    if (!owned.has(name)) say(`domains.${name}`, 'is not in the list under domain');
  // BOUNDED: by the configuration.
  const meaning = new Map<string, string | undefined>();
  const lists = [
    { path: 'aliases', of: first, list: aliases },
    ...Object.entries(domains).map(([name, own]) => ({
      path: `domains.${name}.aliases`,
      of: name,
      list: own.aliases ?? [],
    })),
  ];
  for (const { path, of, list } of lists)
    for (const alias of list) {
      if (alias !== of && owned.has(alias))
        say(path, `${alias} is a domain of its own, so it cannot be another name of ${of}`);
      const before = meaning.get(alias);
      if (before !== undefined && before !== of) say(path, `${alias} is already another name of ${before}`);
      meaning.set(alias, before ?? of);
    }
}

function users({ sip, domain, domains }: Parsed, mode: 'digest' | 'none', say: Say): void {
  const { auth } = sip;
  const lists = [
    { path: 'sip.auth', own: auth },
    ...Object.entries(domains).map(([name, { auth: own }]) => ({ path: `domains.${name}.auth`, own })),
  ];
  for (const { path, own } of lists)
    if (own?.algorithms !== undefined && new Set(own.algorithms).size < own.algorithms.length)
      say(`${path}.algorithms`, 'each algorithm can stand once');
  if (mode === 'none' || auth.usersFile !== '') return;
  const without = domain.filter((name) => domains[name]?.auth?.usersFile === undefined);
  if (without.length === domain.length)
    say(
      'sip.auth.usersFile',
      'passwords are asked for (sip.auth.mode), so a user file is needed: chordial users add NAME --file FILE',
    );
  else
    for (const name of without)
      say(
        `domains.${name}.auth.usersFile`,
        `passwords are asked for (sip.auth.mode), and there is no common file (sip.auth.usersFile): chordial users add NAME --domain ${name} --file FILE`,
      );
}

function limits({ registrar, domains, publication }: Parsed, say: Say): void {
  const all = [
    { path: 'registrar', one: registrar },
    // What a domain leaves to the common keys is told there, once.
    ...Object.entries(domains).flatMap(([name, { registrar: own }]) =>
      own === undefined
        ? []
        : [{ path: `domains.${name}.registrar`, one: { ...registrar, ...definedOf(own) } }],
    ),
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

/** ADR 16: beyond loopback each domain has a key of its own, which its DNS publishes. */
function keys(parsed: Parsed, say: Say): void {
  const { publication, domain, domains, identity } = parsed;
  const [first = '', ...others] = domain;
  if (domains[first]?.identity !== undefined)
    say(`domains.${first}.identity`, 'the first domain signs with identity.keyFile, which is also the node');
  if (publication === 'local' || isLoopbackOnly(parsed)) return;
  if (identity.keyFile === '')
    say(
      'identity.keyFile',
      'beyond loopback a domain signs with a key it publishes: chordial keygen --domain DOMAIN --selector N --out FILE',
    );
  for (const name of new Set(others))
    if (domains[name]?.identity === undefined)
      say(
        `domains.${name}.identity`,
        `beyond loopback each domain signs with a key of its own: chordial keygen --domain ${name} --selector ${identity.selector} --out FILE, and keyFile: FILE, selector: ${identity.selector} here`,
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
