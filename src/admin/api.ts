// The API under /api/v1: which path answers what, to which method.
import type { HttpReply, HttpRequest } from '../runtime/http.ts';
import type { Result } from '../runtime/result.ts';
import { failure, json, methodNotAllowed, notFound } from './replies.ts';
import { type SipTraceDeps, sipTraceReply } from './sip-trace.ts';
import type { AdminBan, AdminLookup, AdminRing, AdminStatus } from './types.ts';

/** Who isn't heard, and an end to that. */
interface Bans {
  list(): readonly { readonly source: string; readonly sinceWallMs: number; readonly leftMs: number }[];
  lift(source: string): boolean;
  liftAll(): number;
}

export interface ApiDeps {
  readonly status: () => AdminStatus;
  /** Undefined in local mode: there is no ring. */
  readonly ring: () => Promise<AdminRing | undefined>;
  readonly lookup: (uri: string) => Promise<Result<AdminLookup>>;
  readonly bans: Bans;
  readonly sipTrace: SipTraceDeps;
}

type Method = 'GET' | 'POST' | 'DELETE';

interface Route {
  /** It changes something, or shows what people say to each other. */
  readonly guarded: boolean;
  readonly answer: (request: HttpRequest) => Promise<HttpReply> | HttpReply;
}

/** Answers what is under /api; `refusal` says why a guarded route isn't for this request, if it isn't. */
export type Api = (
  request: HttpRequest,
  refusal: (request: HttpRequest) => HttpReply | undefined,
) => Promise<HttpReply>;

/** As long as the longest URI a SIP message may hold here. */
const LOOKUP_URI_CHARS_MAX = 1024;
/** Look-ups cost the overlay something: at most this many at once. */
const LOOKUPS_AT_ONCE_MAX = 16;

const adminBans = (bans: ApiDeps['bans']): readonly AdminBan[] =>
  bans.list().map(({ source, sinceWallMs, leftMs }) => ({
    source,
    since: new Date(sinceWallMs).toISOString(),
    leftSec: Math.ceil(leftMs / 1000),
  }));

export const createApi = (deps: ApiDeps): Api => {
  let lookups = 0;

  const lookup = async (uri: string | null): Promise<HttpReply> => {
    if (uri === null || uri === '')
      return failure(400, 'uri-missing', 'say whom to look up: /api/v1/lookup?uri=sip:bob@biloxi.com');
    if (uri.length > LOOKUP_URI_CHARS_MAX)
      return failure(400, 'uri-invalid', `the URI is longer than ${LOOKUP_URI_CHARS_MAX} characters`);
    if (lookups >= LOOKUPS_AT_ONCE_MAX)
      return failure(503, 'busy', 'too many look-ups at once', { 'Retry-After': '1' });
    lookups += 1;
    try {
      const found = await deps.lookup(uri);
      return found.ok ? json(200, found.value) : failure(400, 'uri-invalid', found.error);
    } finally {
      lookups -= 1;
    }
  };

  const ring = async (): Promise<HttpReply> => {
    const found = await deps.ring();
    return found === undefined
      ? failure(404, 'no-ring', 'publication is local: there is no ring')
      : json(200, found);
  };

  const lift = (source: string | null): HttpReply => {
    if (source === null || source === '')
      return failure(400, 'source-missing', 'say whose ban: /api/v1/bans?source=192.0.2.4, or source=all');
    if (source === 'all') return json(200, { lifted: deps.bans.liftAll() });
    return deps.bans.lift(source)
      ? json(200, { lifted: 1 })
      : failure(404, 'not-banned', 'this source is not banned');
  };

  const open = (answer: Route['answer']): Route => ({ guarded: false, answer });
  const guarded = (answer: Route['answer']): Route => ({ guarded: true, answer });
  // BOUNDED: by what stands here.
  const routes = new Map<string, Partial<Record<Method, Route>>>([
    ['/api/v1/status', { GET: open(() => json(200, deps.status())) }],
    ['/api/v1/ring', { GET: open(ring) }],
    ['/api/v1/lookup', { GET: open(({ query }) => lookup(query.get('uri'))) }],
    [
      '/api/v1/bans',
      {
        GET: open(() => json(200, { bans: adminBans(deps.bans) })),
        DELETE: guarded(({ query }) => lift(query.get('source'))),
      },
    ],
    ['/api/v1/sip-trace', { POST: guarded(({ query }) => sipTraceReply(query, deps.sipTrace)) }],
  ]);

  return async (request, refusal) => {
    const methods = routes.get(request.path);
    if (methods === undefined) return notFound(request.path);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = method === 'GET' || method === 'POST' || method === 'DELETE' ? methods[method] : undefined;
    if (route === undefined) return methodNotAllowed(Object.keys(methods));
    return (route.guarded ? refusal(request) : undefined) ?? route.answer(request);
  };
};
