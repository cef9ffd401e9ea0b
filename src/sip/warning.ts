// Warning 399 (RFC 3261 §20.43): why a request was refused, in words for whoever looks at the phone or its trace.
import type { ExtraHeaders } from './types.ts';

/** RFC 3261 §25.1: warn-agent = hostport / pseudonym. Our address is in the Via already. */
const AGENT = 'chordial';
const TEXT_CHARS_MAX = 200;

/**
 * §20.43: "399 Miscellaneous warning: The warning text can include arbitrary information to be presented to a human user
 * or logged." What of it came from the network can't end the string or the line.
 */
export const warning = (text: string): ExtraHeaders[number] => {
  const plain = text.slice(0, TEXT_CHARS_MAX).replace(/[^\x20-\x7e]/g, '?');
  return ['Warning', `399 ${AGENT} "${plain.replace(/[\\"]/g, '\\$&')}"`];
};
