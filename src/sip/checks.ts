// What every request is asked before a handler sees it (RFC 3261 §8.2.1, §8.2.2, §16.3), as pure decisions.
import { parseTokens } from './header-values.ts';
import { isKnownMethod } from './methods.ts';
import type { Reply, SipRequest } from './types.ts';

export interface CheckContext {
  /** Methods that somebody here serves. */
  readonly serves: (method: string) => boolean;
  /** The value of Allow. */
  readonly allow: string;
  /** Option tags that we ourselves can do for a REGISTER. */
  readonly supported: ReadonlySet<string>;
  /** The URI is of a domain of ours, or this server. */
  readonly isOurs: (uri: string) => boolean;
}

const SCHEMES: ReadonlySet<string> = new Set(['sip', 'sips', 'tel']);

/** Registered option tags that speak to the far end only: whether they can be had is for the phone to say, once it is there. */
const END_TO_END_TAGS: ReadonlySet<string> = new Set([
  '100rel',
  'answermode',
  'early-session',
  'eventlist',
  'from-change',
  'histinfo',
  'ice',
  'join',
  'multiple-refer',
  'norefersub',
  'precondition',
  'recipient-list-invite',
  'recipient-list-message',
  'replaces',
  'siprec',
  'tdialog',
  'timer',
  'trickle-ice',
  'uui',
]);

/** The tags of one header that `known` doesn't know, as a refusal; undefined if there is none to refuse for. */
const badExtension = (
  request: SipRequest,
  header: 'require' | 'proxy-require',
  known: (tag: string) => boolean,
): Reply | undefined => {
  if (!request.rows.some(({ name }) => name === header)) return undefined;
  const tags = parseTokens(request.rows, header);
  if (!tags.ok) return { status: 400, reason: 'Bad Request: option tags' };
  const unknown = tags.value.filter((tag) => !known(tag.toLowerCase()));
  // §8.2.2.3: "The UAS MUST add an Unsupported header field, and list in it those options it does not understand".
  return unknown.length === 0 ? undefined : { status: 420, headers: [['Unsupported', unknown.join(', ')]] };
};

/** The refusal of a request that isn't ACK or CANCEL, whatever becomes of it; undefined if its handler may see it. */
export const refusalOf = (request: SipRequest, context: CheckContext): Reply | undefined => {
  const { method, uri } = request;
  if (!context.serves(method)) return isKnownMethod(method) ? notAllowed(context) : notImplemented(context);
  // §8.2.2.1: "If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the request with a 416".
  const scheme = uri.slice(0, Math.max(0, uri.indexOf(':'))).toLowerCase();
  if (!SCHEMES.has(scheme)) return { status: 416 };
  // §16.3 step 3: "If the request contains a Max-Forwards header field with a field value of zero (0), the element
  // MUST NOT forward the request. If the request was for OPTIONS, the element MAY act as the final recipient and
  // respond per Section 11. Otherwise, the element MUST return a 483". A REGISTER ends at its registrar anyway.
  if (request.maxForwards === 0 && method !== 'REGISTER' && method !== 'OPTIONS') return { status: 483 };
  // What is on its way to somebody else asks proxies by Proxy-Require (§16.3 step 5); Require is for the far end. That a
  // redirection ignores Require (§8.3) is no word about Proxy-Require, and RFC 4475 §3.3.5 has "any element" refuse it.
  return method === 'REGISTER' ? undefined : badExtension(request, 'proxy-require', () => false);
};

/**
 * What a request for one of ours asks beyond what we can do: how it is refused where it ends here. §8.3: "Redirect
 * servers MUST ignore features that are not understood (including … any unknown option tags in Require, or even method
 * names) and proceed with the redirection": where there is somewhere to redirect it to, nobody looks at this.
 */
export const unmetBy = (request: SipRequest, context: CheckContext): Reply | undefined => {
  const { method, uri } = request;
  if (!context.isOurs(uri)) return undefined;
  if (!isKnownMethod(method)) return notImplemented(context);
  const endToEnd = method !== 'REGISTER';
  return badExtension(
    request,
    'require',
    (tag) => context.supported.has(tag) || (endToEnd && END_TO_END_TAGS.has(tag)),
  );
};

/** §8.2.1: "If the UAS recognizes but does not support the method of a request, it MUST generate a 405 … response". */
const notAllowed = ({ allow }: CheckContext): Reply => ({ status: 405, headers: [['Allow', allow]] });

/** §21.5.2: 501 "is the appropriate response when a UAS does not recognize the request method". */
const notImplemented = ({ allow }: CheckContext): Reply => ({ status: 501, headers: [['Allow', allow]] });
