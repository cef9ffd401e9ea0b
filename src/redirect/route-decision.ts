// What is to be done with a request that is no REGISTER, from the message and who we are alone (DESIGN §7, RFC 3261 §16.3-16.5).
import type { DialogId } from '../auth/flow-token.ts';
import type { NameAddr, Reply, SipRequest } from '../sip/types.ts';
import { warning } from '../sip/warning.ts';
import { familyOf } from '../uri/hosts.ts';
import { sipLocationName } from '../uri/name.ts';
import { findParam } from '../uri/params.ts';
import { parseSipUri } from '../uri/parse.ts';
import { defaultPort, ownDomain, type Self } from '../uri/self.ts';
import type { LocationName, SipUri } from '../uri/types.ts';

/** One Route value: its URI, and the whole of it as written. */
export type RouteValue = Pick<NameAddr, 'uri' | 'text'>;

/** Where a request is to go: its Request-URI and the Route values that are left once ours are gone. */
export interface ForwardPlan {
  readonly uri: string;
  readonly routes: readonly RouteValue[];
}

export interface RouteContext {
  readonly self: Self;
  /** The user of ours that is meant, an alias resolved; undefined if there is none. Without a user file every user exists. */
  readonly userFor: (name: LocationName) => LocationName | undefined;
  /** Did we sign this token for this dialog? */
  readonly isToken: (token: string, dialog: DialogId) => boolean;
}

export type RouteDecision =
  /** Look the name up and redirect. Not found: 480 for a user of ours, else `plan` for users of ours and 403 for others. */
  | {
      readonly kind: 'look-up';
      readonly name: LocationName;
      readonly uri: SipUri;
      readonly otherwise: 'unavailable' | ForwardPlan;
    }
  /** It bears our token: forward it, unasked. */
  | { readonly kind: 'pass'; readonly plan: ForwardPlan }
  /** Forward it if it comes from a user of ours. */
  | { readonly kind: 'forward-for-user'; readonly plan: ForwardPlan }
  | { readonly kind: 'refuse'; readonly reply: Reply; readonly why: string };

const refuse = (status: number, why: string, headers: Reply['headers'] = []): RouteDecision => ({
  kind: 'refuse',
  reply: { status, headers },
  why,
});

const tagOf = (address: NameAddr): string | undefined => findParam(address.params, 'tag')?.value;

/** Both sides of a dialog show the token that was signed for the caller's tag: as From tag, or as To tag. */
const bearsToken = (request: SipRequest, uri: SipUri, { self, isToken }: RouteContext): boolean => {
  const token = uri.user;
  if (token === undefined || ownDomain(uri, self) === undefined) return false;
  return [request.from, request.to].some((side) => {
    const callerTag = tagOf(side);
    return callerTag !== undefined && isToken(token, { callId: request.callId, callerTag });
  });
};

interface Preprocessed {
  readonly uri: string;
  readonly routes: readonly RouteValue[];
  readonly token: boolean;
}

/** RFC 3261 §16.4, Route Information Preprocessing. */
const preprocess = (
  request: SipRequest,
  routes: readonly RouteValue[],
  context: RouteContext,
): Preprocessed => {
  let uri = request.uri;
  let left = routes;
  let token = false;
  const parsed = parseSipUri(uri);
  const last = routes.at(-1);
  // "If the Request-URI of the request contains a value this proxy previously placed into a Record-Route header field …,
  // the proxy MUST replace the Request-URI in the request with the last value from the Route header field": whoever sent
  // it is a strict router.
  if (parsed.ok && last !== undefined && bearsToken(request, parsed.value, context)) {
    uri = last.uri;
    left = routes.slice(0, -1);
    token = true;
  }
  // "If the first value in the Route header field indicates this proxy, the proxy MUST remove that value": all that
  // follow one another, for a dialog between two of our sides has two of ours (RFC 5658 §3).
  for (let first = left[0]; first !== undefined; first = left[0]) {
    const route = parseSipUri(first.uri);
    if (!route.ok || ownDomain(route.value, context.self) === undefined) break;
    token ||= bearsToken(request, route.value, context);
    left = left.slice(1);
  }
  return { uri, routes: left, token };
};

/**
 * A URI that names a place rather than a person: another port than the default, an address with a port or a parameter,
 * a maddr. Nobody publishes bindings under it, and asking costs the caller a round trip.
 */
const isContact = (uri: SipUri): boolean => {
  if (uri.user === undefined || findParam(uri.params, 'maddr') !== undefined) return true;
  if (uri.port !== undefined && uri.port !== defaultPort(uri)) return true;
  return familyOf(uri.host) !== undefined && (uri.port !== undefined || uri.params.length > 0);
};

/** Event packages whose state would be ours to tell, and that we do not tell (RFC 3842, RFC 3680). */
const OUR_EVENTS: ReadonlySet<string> = new Set(['message-summary', 'reg']);
/** RFC 6665 §8.2.2 wants a 489 to say what there is: these are for the phone behind the AOR to serve. */
const ALLOW_EVENTS = 'presence, dialog';

const asksForOurEvents = (request: SipRequest): boolean => {
  // RFC 3903 §4: state is published to whoever would tell it to others, not to the phone that it is about.
  if (request.method === 'PUBLISH') return true;
  if (request.method !== 'SUBSCRIBE') return false;
  const event = request.rows.find(({ name }) => name === 'event')?.value.split(';', 1)[0];
  return event !== undefined && OUR_EVENTS.has(event.trim().toLowerCase());
};

const decideForOurs = (
  request: SipRequest,
  uri: SipUri,
  domain: string,
  context: RouteContext,
): RouteDecision => {
  const inDialog = tagOf(request.to) !== undefined;
  // RFC 3261 §12.2.2: a request of a dialog that we are no part of and did not record a route for.
  if (inDialog) return refuse(481, 'no such dialog here');
  // Whoever it is about: phones take a 404 here for a fault that passes, and ask again without a pause (baresip #2726).
  if (asksForOurEvents(request))
    return refuse(489, 'event package not served', [['Allow-Events', ALLOW_EVENTS]]);
  const name = sipLocationName({ ...uri, host: domain });
  if (!name.ok) return refuse(404, name.error);
  const user = context.userFor(name.value);
  if (user === undefined)
    return refuse(404, 'no such user', [
      warning(`${domain} has no user or alias of the name ${name.value.user}`),
    ]);
  return { kind: 'look-up', name: user, uri, otherwise: 'unavailable' };
};

/** `routes`: the values of the Route rows in order. */
export const routeDecision = (
  request: SipRequest,
  routes: readonly RouteValue[],
  context: RouteContext,
): RouteDecision => {
  const { token, ...plan } = preprocess(request, routes, context);
  const uri = parseSipUri(plan.uri);
  // A tel: URI has no domain that could answer for it.
  if (!uri.ok) return refuse(/^sips?:/i.test(plan.uri) ? 400 : 416, uri.error);
  const domain = ownDomain(uri.value, context.self);
  const [next] = plan.routes;
  if (domain !== undefined && next === undefined) return decideForOurs(request, uri.value, domain, context);
  const inDialog = tagOf(request.to) !== undefined;
  // Our token speaks for the requests within its dialog, not for a new one that borrows its Call-ID.
  if (token && inDialog) return { kind: 'pass', plan };
  // Whoever sets a route has chosen the way, and what belongs to a dialog goes to its other side: nothing to look up.
  if (next !== undefined || inDialog || isContact(uri.value)) return { kind: 'forward-for-user', plan };
  const name = sipLocationName(uri.value);
  return name.ok
    ? { kind: 'look-up', name: name.value, uri: uri.value, otherwise: plan }
    : { kind: 'forward-for-user', plan };
};
