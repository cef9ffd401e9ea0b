// RFC 3261 §10.3 as pure functions: whom a REGISTER is about, and what it asks of the Location Service.
import type { BindingChange } from '../location/types.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import type { ExtraHeaders, NameAddr } from '../sip/types.ts';
import { warning } from '../sip/warning.ts';
import { sipLocationName } from '../uri/name.ts';
import { parseSipUri } from '../uri/parse.ts';
import { ownDomain, type Self } from '../uri/self.ts';
import type { LocationName } from '../uri/types.ts';
import { bindingKey, type ContactRequest, contactRequest, shown } from './contact-change.ts';

export interface RegisterLimits {
  readonly minExpiresSec: number;
  readonly maxExpiresSec: number;
  readonly defaultExpiresSec: number;
  readonly maxContacts: number;
}

/** What of a REGISTER decides; header values as the reader gave them. */
export interface RegisterParts {
  /** Every Contact value in order; empty if there is no Contact. */
  readonly contacts: readonly (NameAddr | '*')[];
  /** The Expires header as written. */
  readonly expires: string | undefined;
  /** Path values, topmost first. */
  readonly path: readonly string[];
  /** The option tags of Supported, in lower case. */
  readonly supported: readonly string[];
  readonly userAgent: string | undefined;
}

export interface Rejection {
  readonly kind: 'rejection';
  readonly status: number;
  readonly reason: string;
  readonly headers: ExtraHeaders;
}

export type RegisterPlan =
  /** No Contact: tell the bindings. */
  | { readonly kind: 'query' }
  | { readonly kind: 'publication'; readonly changes: readonly BindingChange[] | 'all' }
  | Rejection;

const USER_AGENT_CHARS_MAX = 64;
/** Malformed intervals count as this (§10.2.1.1), and intervals of an hour and more are never too brief (§10.3). */
const HOUR_SEC = 3600;
/** An entry holds 800 bytes; more proxies than this between a phone and its registrar are a loop. */
const PATH_MAX = 8;

const reject = (status: number, reason: string, headers: ExtraHeaders = []): Rejection => ({
  kind: 'rejection',
  status,
  reason,
  headers,
});

/** Step 1 and 5: the name whose bindings these are, once the Request-URI and the To are ours. */
export const registerTarget = (
  requestUri: string,
  to: NameAddr,
  self: Self,
): Result<LocationName, Rejection> => {
  // Step 1: "The registrar inspects the Request-URI to determine whether it has access to bindings for the domain
  // identified in the Request-URI." We forward no REGISTER: a phone that means another registrar can reach it.
  const target = parseSipUri(requestUri);
  if (!target.ok) return fail(reject(400, `Request-URI: ${target.error}`));
  if (ownDomain(target.value, self) === undefined) return fail(notOurs(target.value));
  // Step 5: "The registrar extracts the address-of-record from the To header field of the request. If the
  // address-of-record is not valid for the domain in the Request-URI, the registrar MUST send a 404". Every domain of
  // ours is valid with every Request-URI of ours: phones of any tenant name us by our address.
  const aor = parseSipUri(to.uri);
  if (!aor.ok) return fail(reject(400, `To: ${aor.error}`));
  const domain = ownDomain(aor.value, self);
  if (domain === undefined) return fail(notOurs(aor.value));
  const name = sipLocationName(aor.value);
  if (!name.ok) return fail(reject(400, `To: ${name.error}`));
  return ok({ ...name.value, domain });
};

const notOurs = ({ host, port }: { readonly host: string; readonly port?: number }): Rejection => {
  const where = `host ${shown(host)}${port === undefined ? '' : ` with port ${port}`}`;
  const why = `${where} is not a domain or alias of this registrar`;
  return reject(404, why, [warning(why)]);
};

/**
 * §10.2.1.1: "Malformed values SHOULD be treated as equivalent to 3600." Numbers beyond 2^32-1 mean "as long as you
 * let me", as those just below it do (phones send 2147483647).
 */
const intervalOf = (text: string): number =>
  /^\d{1,20}$/.test(text.trim()) ? Math.min(Number(text), 2 ** 32 - 1) : HOUR_SEC;

/** Steps 4, 6 and 7 for an authenticated request. `users` undefined: nobody was asked for credentials. */
export const planRegister = (
  parts: RegisterParts,
  context: {
    readonly name: LocationName;
    readonly users: readonly string[] | undefined;
    readonly limits: RegisterLimits;
    readonly self: Self;
  },
): RegisterPlan => {
  const { contacts } = parts;
  const { limits, name, users } = context;
  // Step 4: "If the authenticated user is not authorized to modify bindings, the registrar MUST return a 403".
  if (users !== undefined && !users.includes(name.user))
    return reject(403, 'Not Your Address Of Record', [
      // The password was right: who shows it may know whose it is, but not whom the name in his To stands for.
      warning(`the credentials are for another address of record: ${users.map(shown).join(', ')}`),
    ]);
  // Step 6: "The registrar checks whether the request contains the Contact header field. If not, it skips to the last
  // step."
  if (contacts.length === 0) return { kind: 'query' };
  if (contacts.includes('*')) return planRemoveAll(parts);
  // RFC 3327 §5.3: "The recommended policy is for the registrar to reject the request with a 420 "Bad Extension"
  // response indicating the Path extension" when the phone doesn't say that it knows Path.
  if (parts.path.length > 0 && !parts.supported.includes('path'))
    return reject(420, 'Path Without Supported: path', [['Unsupported', 'path']]);
  if (parts.path.length > PATH_MAX) return reject(400, `more than ${PATH_MAX} Path values`);
  if (contacts.length > limits.maxContacts)
    return reject(403, `more than ${limits.maxContacts} Contacts in one REGISTER`);
  // Step 7: "The registrar now processes each contact address in the Contact header field in turn."
  const requests: ContactRequest[] = [];
  for (const contact of contacts) {
    if (contact === '*') continue;
    const request = contactRequest(contact, context.self);
    // "The binding updates MUST be committed … if and only if all binding updates and additions succeed."
    if (!request.ok) return reject(400, request.error);
    requests.push(request.value);
  }
  return planChanges(requests, parts, limits);
};

const planChanges = (
  requests: readonly ContactRequest[],
  parts: RegisterParts,
  limits: RegisterLimits,
): RegisterPlan => {
  // Of two values for one binding the later one stands, as if they had come one after the other.
  // BOUNDED: maxContacts; gone with the call.
  const changes = new Map<string, BindingChange>();
  let flows = 0;
  let lasting = 0;
  for (const { change, expires, leadsHere } of requests) {
    // "If the field value has an "expires" parameter, that value MUST be taken as the requested expiration. If there
    // is no such parameter, but the request has an Expires header field, that value MUST be taken … If there is
    // neither, a locally-configured default value MUST be taken as the requested expiration."
    const asked = expires ?? parts.expires;
    const requestedSec = asked === undefined ? limits.defaultExpiresSec : intervalOf(asked);
    // "If and only if the requested expiration interval is greater than zero AND smaller than one hour AND less than a
    // registrar-configured minimum, the registrar MAY reject the registration with a response of 423".
    if (requestedSec > 0 && requestedSec < HOUR_SEC && requestedSec < limits.minExpiresSec)
      return reject(423, 'Interval Too Brief', [['Min-Expires', String(limits.minExpiresSec)]]);
    // A call to such a contact would be sent here again, without end: the address of record itself, another user of
    // ours, or this server by its address. Removing one does no harm.
    if (requestedSec > 0 && leadsHere)
      return reject(403, `Contact ${shown(change.contact)} leads back to this registrar`);
    if (requestedSec > 0) lasting += 1;
    if (requestedSec > 0 && change.regId !== undefined) flows += 1;
    const key = bindingKey(change);
    changes.delete(key);
    changes.set(key, {
      path: parts.path,
      // "The registrar MAY choose an expiration less than the requested expiration interval."
      expiresSec: Math.min(requestedSec, limits.maxExpiresSec),
      ...(parts.userAgent === undefined ? {} : { userAgent: parts.userAgent.slice(0, USER_AGENT_CHARS_MAX) }),
      ...change,
    });
  }
  // RFC 5626 §6: "if the Contact header field contains more than one header field value with a non-zero expiration and
  // any of these header field values contain a "reg-id" Contact header field parameter, the entire registration SHOULD
  // be rejected with a 400 (Bad Request) response."
  if (flows > 0 && lasting > 1) return reject(400, 'a Contact with reg-id stands alone');
  return { kind: 'publication', changes: [...changes.values()] };
};

const planRemoveAll = ({ contacts, expires }: RegisterParts): RegisterPlan => {
  // Step 6: "If the request has additional Contact fields or an expiration time other than zero, the request is
  // invalid, and the server MUST return a 400 (Invalid Request) and skip the remaining steps."
  if (contacts.length > 1) return reject(400, 'Contact: * stands alone');
  if (expires === undefined || intervalOf(expires) !== 0) return reject(400, 'Contact: * needs Expires: 0');
  return { kind: 'publication', changes: 'all' };
};
