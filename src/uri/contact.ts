// What may stand as a Contact: a SIP URI, or one of another scheme that is at least a URI.
import { fail, ok, type Result } from '../runtime/result.ts';
import { parseSipUri, schemeOf, URI_CHARS_MAX } from './parse.ts';
import type { SipUri } from './types.ts';

const OTHER_URI = /^[!-~]+$/;
const OTHER_URI_UNFIT = /[<>"\\^`{|}]/;

/** The parsed URI if it is a SIP one, undefined for another scheme (RFC 3261 §10.2.1: a Contact is any URI). */
export const parseContactUri = (text: string): Result<SipUri | undefined> => {
  if (text.length > URI_CHARS_MAX) return fail('the URI is too long');
  const scheme = schemeOf(text);
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(text);
  return scheme === undefined || !OTHER_URI.test(text) || OTHER_URI_UNFIT.test(text)
    ? fail('not a URI')
    : ok(undefined);
};
