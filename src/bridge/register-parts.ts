// What of a REGISTER decides, read out of its headers; a header that decides and can't be read is the phone's error.
import { fail, ok, type Result } from '../runtime/result.ts';
import { parseTokens } from '../sip/header-values.ts';
import { parseContacts, parseNameAddrs } from '../sip/name-addr.ts';
import { headerValue } from '../sip/rows.ts';
import type { SipRequest } from '../sip/types.ts';
import type { RegisterParts } from './register-plan.ts';

export const readParts = ({ rows }: SipRequest): Result<RegisterParts> => {
  const contacts = parseContacts(rows);
  if (!contacts.ok) return fail(`Contact: ${contacts.error}`);
  const path = parseNameAddrs(rows, 'path');
  if (!path.ok) return fail(`Path: ${path.error}`);
  // RFC 3261 §8.2.2: "A UAS SHOULD ignore any malformed header fields that are not necessary for processing requests":
  // Supported says whether a Path may be stored, and nothing else.
  const supported = path.value.length === 0 ? ok([]) : parseTokens(rows, 'supported');
  if (!supported.ok) return fail(`Supported: ${supported.error}`);
  return ok({
    contacts: contacts.value,
    expires: headerValue(rows, 'expires'),
    path: path.value.map(({ text }) => text),
    supported: supported.value.map((tag) => tag.toLowerCase()),
    userAgent: headerValue(rows, 'user-agent'),
  });
};
