// What one domain of several may have of its own: the schema of `domains: {NAME: {…}}`. An absent key is the common one.
import { z } from 'zod';
import { algorithms, contacts, domainName, expiry, peers, selector } from './config-values.ts';

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

export const domains = z.record(domainName, ownOfDomain).default({});

/** The paths of files in it, behind `domains.NAME`. */
export const DOMAIN_FILE_KEYS: readonly (readonly string[])[] = [
  ['auth', 'usersFile'],
  ['auth', 'secretFile'],
  ['identity', 'keyFile'],
  ['tls', 'certFile'],
  ['tls', 'keyFile'],
];
