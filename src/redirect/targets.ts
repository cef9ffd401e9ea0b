// From the bindings of a name to the Contacts of a 302 (RFC 3261 §8.3, §21.3): which, in which order, in which bytes.
import { canonicalContact, sipUriEquals } from '../uri/compare.ts';
import { isWildcard } from '../uri/hosts.ts';
import { parseSipUri } from '../uri/parse.ts';
import { isOwnContactAddress, type Self } from '../uri/self.ts';
import type { SipUri } from '../uri/types.ts';

/** What of a binding matters here. */
export interface Target {
  readonly contact: string;
  readonly q?: number;
  readonly path: readonly string[];
}

/** More than any phone tries. */
const CONTACTS_MAX = 10;
/**
 * What a datagram carries beside the rest of an answer. Ten contacts as long as an entry lets them be would make 302s of
 * 5 kB, for requests of 300 bytes in the name of whoever is to get them. The best one is told however long it is.
 */
const CONTACT_CHARS_MAX = 1000;

/** RFC 3261 §10.2.1.2 orders by q; a contact without one is as good as the best (RFC 2616's default of 1). */
const preference = ({ q }: Target): number => q ?? 1;

/** A contact that leads nowhere from anywhere: the addresses of WebSocket phones, and those that name no host. */
const isNowhere = ({ host }: SipUri): boolean =>
  host.endsWith('.invalid') || host === 'invalid' || isWildcard(host);

/** The contact without its `?headers`: linphone stalls on them, and a caller should not send what a callee made up. */
const withoutHeaders = (contact: string, uri: SipUri): string =>
  uri.headers === undefined ? contact : contact.slice(0, contact.length - uri.headers.length - 1);

/** RFC 3261 §25.1 qvalue: at most three decimals. */
const formatQ = (q: number): string => String(Math.round(q * 1000) / 1000);

/**
 * The Contact values of the 302, best first, because most phones try only one; empty if nobody can be reached.
 * What another domain published is a stranger's text: it goes out only if it parses as a SIP URI.
 */
export const contactsFor = (
  bindings: readonly Target[],
  requestUri: SipUri,
  self: Self,
): readonly string[] => {
  const usable = bindings.flatMap((target) => {
    const uri = parseSipUri(target.contact);
    if (!uri.ok || isNowhere(uri.value)) return [];
    // RFC 3261 §26.2.2 and §19.1: a sips: request stays on TLS hop by hop; a sip: Contact would lose it.
    if (requestUri.scheme === 'sips' && uri.value.scheme !== 'sips') return [];
    // RFC 3261 §8.3: "redirect servers MUST NOT redirect a request to a URI equal to the one in the Request-URI". Nor
    // back here, which is the same loop by another name: linphone runs through it 50 times a second without end.
    // What is compared is what goes out, which is without headers.
    const { headers: _headers, ...bare } = uri.value;
    if (sipUriEquals(bare, requestUri) || isOwnContactAddress(bare, self)) return [];
    return [{ target, text: withoutHeaders(target.contact, uri.value) }];
  });
  // A contact with a Path is reached through that proxy; a 302 cannot say so, and the bare contact may be behind a NAT.
  // It is offered after those that are known to stand alone.
  usable.sort(
    (a, b) =>
      Number(a.target.path.length > 0) - Number(b.target.path.length > 0) ||
      preference(b.target) - preference(a.target),
  );
  // BOUNDED: by the bindings of one name.
  const seen = new Set<string>();
  const contacts: string[] = [];
  let chars = 0;
  for (const { target, text } of usable) {
    const canonical = canonicalContact(text);
    if (seen.has(canonical) || contacts.length >= CONTACTS_MAX) continue;
    seen.add(canonical);
    const value = target.q === undefined ? `<${text}>` : `<${text}>;q=${formatQ(target.q)}`;
    chars += value.length;
    if (contacts.length > 0 && chars > CONTACT_CHARS_MAX) break;
    contacts.push(value);
  }
  return contacts;
};
