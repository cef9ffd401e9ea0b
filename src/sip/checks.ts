// What every request is asked before a handler sees it (RFC 3261 §8.2.1, §8.2.2, §16.3), as a pure decision.
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

/**
 * Option tags that speak to the far end only. RFC 3261 §8.3: "Redirect servers MUST ignore features that are not
 * understood (including … any unknown option tags in Require …) and proceed with the redirection": a call that
 * requires 100rel is for the phone to refuse. Tags that nobody registered are refused here, where the caller learns
 * at once that they are.
 */
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

/** The option tags that refuse the request; undefined if a list of them is not to be read. */
const unsupportedTags = (request: SipRequest, context: CheckContext): readonly string[] | undefined => {
  const { rows, method, uri } = request;
  const asks = rows.find((row) => row.name === 'require' || row.name === 'proxy-require');
  if (asks === undefined) return [];
  // What is on its way to somebody else asks proxies by Proxy-Require (§16.3 step 5); Require is for the far end.
  const ours = context.isOurs(uri);
  const tags = parseTokens(rows, ours ? 'require' : 'proxy-require');
  if (!tags.ok) return undefined;
  const known = (tag: string): boolean =>
    ours && (context.supported.has(tag) || (method !== 'REGISTER' && END_TO_END_TAGS.has(tag)));
  return tags.value.filter((tag) => !known(tag.toLowerCase()));
};

/** The refusal of a request that isn't ACK or CANCEL; undefined if its handler may see it. */
export const refusalOf = (request: SipRequest, context: CheckContext): Reply | undefined => {
  const allow = ['Allow', context.allow] as const;
  // §8.2.1: "If the UAS recognizes but does not support the method of a request, it MUST generate a 405 … response".
  // §21.5.2: 501 "is the appropriate response when a UAS does not recognize the request method".
  if (!isKnownMethod(request.method)) return { status: 501, headers: [allow] };
  if (!context.serves(request.method)) return { status: 405, headers: [allow] };
  // §8.2.2.1: "If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the request with a 416".
  const scheme = request.uri.slice(0, Math.max(0, request.uri.indexOf(':'))).toLowerCase();
  if (!SCHEMES.has(scheme)) return { status: 416 };
  // §16.3 step 3: "If the request contains a Max-Forwards header field with a field value of zero (0), the element
  // MUST NOT forward the request. If the request was for OPTIONS, the element MAY act as the final recipient and
  // respond per Section 11. Otherwise, the element MUST return a 483". A REGISTER ends at its registrar anyway.
  if (request.maxForwards === 0 && request.method !== 'REGISTER' && request.method !== 'OPTIONS')
    return { status: 483 };
  const unsupported = unsupportedTags(request, context);
  if (unsupported === undefined) return { status: 400, reason: 'Bad Request: option tags' };
  // §8.2.2.3: "The UAS MUST add an Unsupported header field, and list in it those options it does not understand".
  if (unsupported.length > 0) return { status: 420, headers: [['Unsupported', unsupported.join(', ')]] };
  return undefined;
};
