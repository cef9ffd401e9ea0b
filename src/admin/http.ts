// The admin server: health for orchestrators, metrics for Prometheus, a JSON API and a page for people.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Endpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { HttpPort, HttpReply, HttpRequest, OpenHttp } from '../runtime/http.ts';
import type { Log } from '../runtime/log.ts';
import type { Result } from '../runtime/result.ts';
import { isIpLiteral, isLoopback } from '../uri/hosts.ts';
import { statusPage } from './status-page.ts';
import type { AdminLookup, AdminRing, AdminStatus, Readiness } from './types.ts';

export interface AdminDeps {
  readonly ready: () => Readiness;
  readonly status: () => AdminStatus;
  /** Undefined in local mode: there is no ring. */
  readonly ring: () => Promise<AdminRing | undefined>;
  readonly lookup: (uri: string) => Promise<Result<AdminLookup>>;
  readonly metricsText: () => string;
  readonly openHttp: OpenHttp;
  readonly log: Log;
}

export interface AdminOptions {
  readonly listen: Endpoint;
  /** What a caller from another machine shows as `Authorization: Bearer …`; without it none gets in. */
  readonly token: string | undefined;
}

const JSON_TYPE = 'application/json; charset=utf-8';
/** As long as the longest URI a SIP message may hold here. */
const LOOKUP_URI_CHARS_MAX = 1024;
/** Look-ups cost the overlay something: at most this many at once. */
const LOOKUPS_AT_ONCE_MAX = 16;

const json = (status: number, value: unknown, headers?: Readonly<Record<string, string>>): HttpReply => ({
  status,
  contentType: JSON_TYPE,
  body: `${JSON.stringify(value)}\n`,
  ...(headers === undefined ? {} : { headers }),
});

const failure = (
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): HttpReply => json(status, { error: { code, message } }, headers);

// Hashed first, so that the comparison takes one time whatever the lengths.
const sameToken = (left: string, right: string): boolean =>
  timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest());

const hasToken = (request: HttpRequest, token: string | undefined): boolean => {
  const [, shown] = /^Bearer +([!-~]{1,512})$/i.exec(request.header('authorization') ?? '') ?? [];
  return token !== undefined && token !== '' && shown !== undefined && sameToken(shown, token);
};

/**
 * A page of some web site can have its own name resolve to 127.0.0.1 and then read us with the visitor's browser ("DNS
 * rebinding"); it can't make the Host header an address or `localhost`.
 */
const hostIsOurs = (request: HttpRequest): boolean => {
  const host = (request.header('host') ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
  return isLoopback(host) || isIpLiteral(host);
};

/** True for who may see more than health and metrics: this machine itself, and whoever shows the token. */
const isTrusted = (request: HttpRequest, token: string | undefined): boolean =>
  (isLoopback(request.remote) && hostIsOurs(request)) || hasToken(request, token);

export class AdminServer {
  readonly #deps: AdminDeps;
  readonly #options: AdminOptions;
  #port: HttpPort | undefined;
  #lookups = 0;

  constructor(deps: AdminDeps, options: AdminOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The address really bound; undefined before `start`. */
  get local(): Endpoint | undefined {
    return this.#port?.local;
  }

  async start(): Promise<void> {
    this.#port = await this.#deps.openHttp(this.#options.listen, {
      onRequest: (request) => this.#answer(request),
      onError: (error) => this.#deps.log.error({ err: messageOf(error) }, 'an admin request failed'),
    });
  }

  async stop(): Promise<void> {
    await this.#port?.close();
  }

  async #answer(request: HttpRequest): Promise<HttpReply> {
    const { path } = request;
    const known = ['/', '/health/live', '/health/ready', '/metrics'].includes(path);
    const api = path.startsWith('/api/');
    if (!known && !api) return failure(404, 'not-found', `there is nothing at ${path.slice(0, 200)}`);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return failure(405, 'method-not-allowed', 'only GET is served here', { Allow: 'GET, HEAD' });
    const trusted = isTrusted(request, this.#options.token);
    if (api)
      return trusted
        ? this.#api(request)
        : failure(401, 'token-required', 'off this machine the API needs Authorization: Bearer TOKEN', {
            'WWW-Authenticate': 'Bearer',
          });
    switch (path) {
      case '/health/live':
        return json(200, { live: true });
      case '/health/ready': {
        const readiness = this.#deps.ready();
        return json(readiness.ready ? 200 : 503, readiness);
      }
      case '/metrics':
        return { status: 200, contentType: 'text/plain; version=0.0.4', body: this.#deps.metricsText() };
      default:
        return this.#page(trusted);
    }
  }

  async #page(trusted: boolean): Promise<HttpReply> {
    // Who asks from another machine without the token learns whether we work, not who is in the ring.
    const view = trusted
      ? { status: this.#deps.status(), ring: await this.#deps.ring() }
      : { readiness: this.#deps.ready() };
    return {
      status: 200,
      contentType: 'text/html; charset=utf-8',
      body: statusPage(view),
      headers: {
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        'Referrer-Policy': 'no-referrer',
      },
    };
  }

  async #api(request: HttpRequest): Promise<HttpReply> {
    switch (request.path) {
      case '/api/v1/status':
        return json(200, this.#deps.status());
      case '/api/v1/ring': {
        const ring = await this.#deps.ring();
        return ring === undefined
          ? failure(404, 'no-ring', 'publication is local: there is no ring')
          : json(200, ring);
      }
      case '/api/v1/lookup':
        return this.#lookup(request.query.get('uri'));
      default:
        return failure(404, 'not-found', `there is nothing at ${request.path.slice(0, 200)}`);
    }
  }

  async #lookup(uri: string | null): Promise<HttpReply> {
    if (uri === null || uri === '')
      return failure(400, 'uri-missing', 'say whom to look up: /api/v1/lookup?uri=sip:bob@biloxi.com');
    if (uri.length > LOOKUP_URI_CHARS_MAX)
      return failure(400, 'uri-invalid', `the URI is longer than ${LOOKUP_URI_CHARS_MAX} characters`);
    if (this.#lookups >= LOOKUPS_AT_ONCE_MAX)
      return failure(503, 'busy', 'too many look-ups at once', { 'Retry-After': '1' });
    this.#lookups += 1;
    try {
      const found = await this.#deps.lookup(uri);
      return found.ok ? json(200, found.value) : failure(400, 'uri-invalid', found.error);
    } finally {
      this.#lookups -= 1;
    }
  }
}
