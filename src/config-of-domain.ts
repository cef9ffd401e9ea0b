// What holds for one of our domains: its own keys over the common ones.
import type { Config } from './config.ts';
import { definedOf } from './config-domain-relations.ts';

/** The limits that hold for one of the domains. */
export const registrarOf = (config: Config, domain: string): Config['registrar'] => ({
  ...config.registrar,
  ...definedOf(config.domains[domain]?.registrar ?? {}),
});
