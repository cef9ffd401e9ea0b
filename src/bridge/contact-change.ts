// One Contact value of a REGISTER as a change of a binding, or the reason why it can't be one.
import type { BindingChange } from '../location/types.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { parseQ } from '../sip/header-values.ts';
import type { NameAddr } from '../sip/types.ts';
import { canonicalContact } from '../uri/compare.ts';
import { parseContactUri } from '../uri/contact.ts';
import { findParam } from '../uri/params.ts';
import { isOwnContactAddress, type Self } from '../uri/self.ts';

/** What a REGISTER asks for one contact, before limits. */
export interface ContactRequest {
  readonly change: Omit<BindingChange, 'expiresSec' | 'path' | 'userAgent'>;
  /** The `expires` parameter as written. */
  readonly expires: string | undefined;
  /** True if a call to it would come back to this registrar. */
  readonly leadsHere: boolean;
}

/** RFC 5626 §11.2: "The value of the reg-id MUST NOT be 0 and MUST be less than 2^31." */
const REG_ID_BELOW = 2 ** 31;

/** Quoted text without its quotes, escapes left as they are: quoted again it is what was registered. */
const unquote = (text: string): string =>
  text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;

const regIdOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= 1 && value < REG_ID_BELOW ? value : undefined;
};

/** For a reason phrase: short, and nothing but printable ASCII. */
export const shown = (text: string): string => {
  const printable = text.replace(/[^!-~]/g, '?');
  return printable.length > 80 ? `${printable.slice(0, 77)}...` : printable;
};

export const contactRequest = (contact: NameAddr, self: Self): Result<ContactRequest> => {
  const { uri, params } = contact;
  // tel: and mailto: contacts are kept and told; a 302 names SIP contacts alone.
  const sip = parseContactUri(uri);
  if (!sip.ok) return fail(`Contact ${shown(uri)}: ${sip.error}`);
  const weight = findParam(params, 'q');
  const q = weight === undefined ? undefined : parseQ(weight.value ?? '');
  if (weight !== undefined && q === undefined)
    return fail(`Contact ${shown(uri)}: q is not 0 to 1 with at most three digits`);
  const instance = findParam(params, '+sip.instance')?.value;
  // RFC 5626 §6: "If the registrar processes a Contact header field value with a reg-id but no instance-id, it simply
  // ignores the reg-id parameter."
  const regId = instance === undefined ? undefined : regIdOf(findParam(params, 'reg-id')?.value);
  const expires = findParam(params, 'expires');
  const own = new Set(['q', 'expires', '+sip.instance', ...(regId === undefined ? [] : ['reg-id'])]);
  return ok({
    change: {
      contact: uri,
      canonicalContact: canonicalContact(uri),
      ...(instance === undefined ? {} : { instance: unquote(instance) }),
      ...(regId === undefined ? {} : { regId }),
      ...(q === undefined ? {} : { q }),
      params: params.filter(({ name }) => !own.has(name)),
    },
    expires: expires === undefined ? undefined : (expires.value ?? ''),
    // What has headers means more than its address: `sip:user@example.com?Route=…` for that very user (RFC 4475 §3.3.14).
    leadsHere:
      sip.value !== undefined && sip.value.headers === undefined && isOwnContactAddress(sip.value, self),
  });
};

/** What makes two contacts of one REGISTER the same binding (DESIGN §4, `bindingId`). */
export const bindingKey = (change: Pick<BindingChange, 'canonicalContact' | 'instance' | 'regId'>): string =>
  change.instance !== undefined && change.regId !== undefined
    ? `instance ${change.regId} ${change.instance}`
    : `contact ${change.canonicalContact}`;
