// The Contact headers of a 200 to REGISTER: every binding there is, in as few bytes as a datagram wants.
import type { Binding } from '../location/types.ts';
import { isAll, PARAM_VALUE, TOKEN, URI } from '../sip/scanner.ts';
import type { ExtraHeaders } from '../sip/types.ts';
import { formatParams } from '../uri/params.ts';
import type { Param } from '../uri/types.ts';
import { bindingKey } from './contact-change.ts';

/** What is left of a 1,300-byte answer once Via, From, To, Call-ID and the rest took theirs. */
const DATAGRAM_CONTACT_BYTES = 800;

// Bindings of other registrars, and of programs with the domain's key, are signed by our domain but not read by our
// reader: what would not come back from a header as it went in is left out. Nothing above 0xff is a byte.
const isUri = (text: string): boolean => text !== '' && isAll(text, URI);
/** The inside of a quoted string, its quoted pairs as they stand. */
const QUOTABLE = /^(?:[ !#-[\]-~\x80-\xff]|\\[ -~])*$/;
const isValue = (text: string): boolean =>
  text.startsWith('"')
    ? text.length > 1 && text.endsWith('"') && QUOTABLE.test(text.slice(1, -1))
    : text !== '' && isAll(text, PARAM_VALUE);
const isParam = ({ name, value }: Param): boolean =>
  name !== '' && isAll(name, TOKEN) && (value === undefined || isValue(value));

type Detail = 'all' | 'binding' | 'least';

const formatContact = (binding: Binding, expiresSec: number, detail: Detail): string => {
  let text = `<${binding.contact}>;expires=${expiresSec}`;
  if (binding.q !== undefined) text += `;q=${Math.round(binding.q * 1000) / 1000}`;
  if (detail === 'least') return text;
  if (binding.instance !== undefined && QUOTABLE.test(binding.instance))
    text += `;+sip.instance="${binding.instance}"`;
  if (binding.regId !== undefined) text += `;reg-id=${binding.regId}`;
  return detail === 'all' ? text + formatParams(binding.params.filter(isParam)) : text;
};

/**
 * §10.3 step 8: "The response MUST contain Contact header field values enumerating all current bindings. Each Contact
 * value MUST feature an "expires" parameter indicating its expiration interval chosen by the registrar."
 */
export const contactHeaders = (
  bindings: readonly Binding[],
  options: {
    readonly nowMs: number;
    /** Seconds granted in this very answer, by binding: the clock of another registrar must not add to them. */
    readonly granted: ReadonlyMap<string, number>;
    /** Over a datagram: parameters beyond expires and q go first when the list is long. */
    readonly datagram: boolean;
  },
): ExtraHeaders => {
  const { nowMs, granted, datagram } = options;
  const current = bindings.flatMap((binding) => {
    const leftSec = Math.ceil((binding.expiresAtMs - nowMs) / 1000);
    const expiresSec = Math.min(leftSec, granted.get(bindingKey(binding)) ?? leftSec);
    return expiresSec <= 0 || !isUri(binding.contact) ? [] : [{ binding, expiresSec }];
  });
  const write = (detail: Detail): readonly string[] =>
    current.map(({ binding, expiresSec }) => formatContact(binding, expiresSec, detail));
  const details: readonly Detail[] = datagram ? ['all', 'binding', 'least'] : ['all'];
  let values: readonly string[] = [];
  for (const detail of details) {
    values = write(detail);
    if (
      values.reduce((sum, value) => sum + value.length + 'Contact: \r\n'.length, 0) <= DATAGRAM_CONTACT_BYTES
    )
      break;
  }
  return values.map((value) => ['Contact', value] as const);
};
