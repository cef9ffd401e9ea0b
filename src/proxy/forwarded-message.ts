// What changes in a message that passes through (RFC 3261 §16.6, §16.11); every other row leaves as it came.
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import { parseCredentials } from '../sip/credentials.ts';
import type { HeaderRow, NameAddr, SipRequest, SipResponse, Transport } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';
import { parseSipUri } from '../uri/parse.ts';

/** One Route value: its URI, and the whole of it as written. */
type RouteValue = Pick<NameAddr, 'uri' | 'text'>;

/** Where a request is to go: its Request-URI and the Route values that are left once ours are gone. */
export interface ForwardPlan {
  readonly uri: string;
  readonly routes: readonly RouteValue[];
}

/** The URI of the next hop, and Request-URI and Route as they are sent. */
export interface Targeted extends ForwardPlan {
  readonly next: string;
}

/** A side of ours that a message comes in or goes out by. */
export interface Side {
  readonly transport: Transport;
  readonly advertised: Endpoint;
}

const row = (as: string, value: string): HeaderRow => ({ name: as.toLowerCase(), as, value });

/** RFC 3261 §16.6 step 6: where the first Route is no loose router, it takes the place of the Request-URI, which goes last. */
export const targeted = ({ uri, routes }: ForwardPlan): Targeted => {
  const [first, ...rest] = routes;
  if (first === undefined) return { next: uri, uri, routes };
  const next = first.uri;
  const parsed = parseSipUri(next);
  const loose = !parsed.ok || findParam(parsed.value.params, 'lr') !== undefined;
  return loose ? { next, uri, routes } : { next, uri: next, routes: [...rest, { uri, text: `<${uri}>` }] };
};

/** The value of our Via. */
export const viaOf = (down: Side, branch: string): string => {
  const sentBy = formatEndpoint(down.advertised);
  // RFC 3581: an answer comes back through whatever rewrites our address on the way.
  const rport = down.transport === 'udp' ? ';rport' : '';
  return `SIP/2.0/${down.transport.toUpperCase()} ${sentBy};branch=${branch}${rport}`;
};

const recordRoute = (side: Side, token: string, secure: boolean): HeaderRow => {
  const us = `${token}@${formatEndpoint(side.advertised)}`;
  // RFC 7118 §5.2 knows `ws` alone, also where TLS lies below. RFC 3261 §26.2.2: sips means TLS over TCP by itself.
  const name = side.transport === 'wss' ? 'ws' : secure ? 'udp' : side.transport;
  const transport = name === 'udp' ? '' : `;transport=${name}`;
  return row('Record-Route', `<${secure ? 'sips' : 'sip'}:${us}${transport};lr>`);
};

const isEncrypted = ({ transport }: Side): boolean => transport === 'tls' || transport === 'wss';

/**
 * RFC 5658 §3: where a dialog comes in by one address or transport of ours and goes out by another, each side gets a
 * Record-Route that it can reach; the outer one is the one for the side the request goes to. RFC 3261 §16.6 step 4: "If the
 * Request-URI contains a SIPS URI, or the topmost Route header field value … contains a SIPS URI, the URI placed into the
 * Record-Route header field MUST be a SIPS URI": such a dialog (`secure`) goes on over TLS on either side.
 */
export const recordRoutes = (
  up: Side,
  down: Side,
  token: string,
  { secure = false }: { readonly secure?: boolean } = {},
): readonly HeaderRow[] => {
  const outer = recordRoute(down, token, secure);
  const inner = secure && !isEncrypted(up) ? outer : recordRoute(up, token, secure);
  return outer.value === inner.value ? [outer] : [outer, inner];
};

/** As the authenticator reads it: what it takes for ours must not go on. */
const realmOf = (credentials: string): string => {
  const parsed = parseCredentials(credentials);
  return parsed.ok ? (parsed.value.params.get('realm') ?? '') : '';
};

export interface RequestChanges {
  readonly target: ForwardPlan;
  readonly branch: string;
  readonly down: Side;
  readonly recordRoutes: readonly HeaderRow[];
  /** Credentials for this realm were for us alone. */
  readonly isOurRealm: (realm: string) => boolean;
}

const MAX_FORWARDS = 70;

/** The request as it goes out. Its Max-Forwards, if it has one, is above 0. */
export const forwardedRequest = (
  request: SipRequest,
  { target, branch, down, recordRoutes: ours, isOurRealm }: RequestChanges,
): Pick<SipRequest, 'method' | 'uri' | 'rows' | 'body'> => {
  // "If the copy does not contain a Max-Forwards header field, the proxy MUST add one with a field value, which SHOULD
  // be 70." (§16.6 step 3)
  const maxForwards = request.maxForwards === undefined ? MAX_FORWARDS : request.maxForwards - 1;
  const kept = request.rows.filter(({ name, value }) => {
    switch (name) {
      case 'route':
      case 'max-forwards':
        return false;
      // RFC 2617 §3.6: they are for the next proxy that asked, and tell the others how to pass for our user.
      case 'proxy-authorization':
        return !isOurRealm(realmOf(value));
      default:
        return true;
    }
  });
  const rows = [
    row('Via', viaOf(down, branch)),
    ...ours,
    ...target.routes.map(({ text }) => row('Route', text)),
    row('Max-Forwards', String(maxForwards)),
    ...kept,
  ];
  return { method: request.method, uri: target.uri, rows, body: request.body };
};

/**
 * The answer without our Via, the topmost. RFC 3261 §16.11: "The proxy MUST NOT add to, modify, or remove the message
 * body. Unless specified otherwise, the proxy MUST NOT remove any other header field values."
 */
export const forwardedResponse = (
  response: SipResponse,
): Pick<SipResponse, 'status' | 'reason' | 'rows' | 'body'> => {
  const [top] = response.vias;
  const index = response.rows.findIndex(({ name }) => name === 'via');
  // One row may hold several values: what stands behind ours and its comma stays.
  const rows = response.rows.flatMap((one, at) => {
    if (at !== index) return [one];
    const rest = one.value.slice(top.text.length).replace(/^\s*,\s*/, '');
    return rest === '' ? [] : [{ ...one, value: rest }];
  });
  const { status, reason, body } = response;
  return { status, reason, rows, body };
};
