// What holds for one of our domains: its own keys over the common ones.
import type { Config } from './config.ts';
import { definedOf } from './config-domain-relations.ts';

/** The limits that hold for one of the domains. */
export const registrarOf = (config: Config, domain: string): Config['registrar'] => ({
  ...config.registrar,
  ...definedOf(config.domains[domain]?.registrar ?? {}),
});

/** What its users are challenged with. */
export const algorithmsOf = (config: Config, domain: string): Config['sip']['auth']['algorithms'] =>
  config.domains[domain]?.auth?.algorithms ?? config.sip.auth.algorithms;

/** Whose word for a caller of this domain is enough. */
export const trustedPeersOf = (config: Config, domain: string): readonly string[] =>
  config.domains[domain]?.auth?.trustedPeers ?? config.sip.auth.trustedPeers;

/** The further names that domains have of their own: alias → domain. */
export const aliasesOf = (config: Config): ReadonlyMap<string, string> =>
  // BOUNDED: by the configuration.
  new Map(
    Object.entries(config.domains).flatMap(([domain, own]) =>
      (own.aliases ?? []).map((alias) => [alias, domain] as const),
    ),
  );
