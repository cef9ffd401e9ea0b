// What one domain of several may have of its own: the schema of `domains: {NAME: {…}}`. An absent key is the common one.
import { z } from 'zod';
import { contacts, domainName, expiry } from './config-values.ts';

const ownOfDomain = z.strictObject({
  registrar: z
    .strictObject({
      minExpiresSec: expiry,
      maxExpiresSec: expiry,
      defaultExpiresSec: expiry,
      maxContacts: contacts,
    })
    .partial()
    .prefault({}),
});

export const domains = z.record(domainName, ownOfDomain).default({});
