// What one domain of several may have of its own: the schema of `domains: {NAME: {…}}`. An absent key is the common one.
import { z } from 'zod';
import { algorithms, contacts, domainName, expiry, peers, selector } from './config-values.ts';
import { canonicalDomain } from './uri/hosts.ts';

const file = z.string().min(1);

const ownOfDomain = z.strictObject({
  aliases: z.array(domainName).optional(),
  auth: z
    .strictObject({ usersFile: file, secretFile: file, algorithms, trustedPeers: peers })
    .partial()
    .optional(),
  registrar: z
    .strictObject({
      minExpiresSec: expiry,
      maxExpiresSec: expiry,
      defaultExpiresSec: expiry,
      maxContacts: contacts,
    })
    .partial()
    .optional(),
  identity: z.strictObject({ keyFile: file, selector: selector.default(0) }).optional(),
  tls: z.strictObject({ certFile: file, keyFile: file }).optional(),
});

/** Names that are spelled otherwise and mean one domain: of two sets of keys the later would silently be the whole. */
const respelled = (given: unknown): readonly { readonly name: string; readonly as: string }[] => {
  // BOUNDED: by the configuration.
  const seen = new Map<string, string>();
  return Object.keys(given !== null && typeof given === 'object' ? given : {}).flatMap((name) => {
    const parsed = canonicalDomain(name);
    if (!parsed.ok) return [];
    const as = seen.get(parsed.value);
    if (as === undefined) seen.set(parsed.value, name);
    return as === undefined ? [] : [{ name, as }];
  });
};

export const domains = z
  .preprocess(
    (given, context) => {
      for (const { name, as } of respelled(given))
        context.addIssue({ code: 'custom', path: [name], message: `is the same domain as ${as}` });
      return given;
    },
    z.record(domainName, ownOfDomain),
  )
  .default({});

/** The paths of files in it, behind `domains.NAME`. */
export const DOMAIN_FILE_KEYS: readonly (readonly string[])[] = [
  ['auth', 'usersFile'],
  ['auth', 'secretFile'],
  ['identity', 'keyFile'],
  ['tls', 'certFile'],
  ['tls', 'keyFile'],
];
