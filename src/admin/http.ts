// The admin server: health for orchestrators, metrics for Prometheus, a JSON API and a page for people.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Endpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { HttpPort, HttpReply, HttpRequest, OpenHttp } from '../runtime/http.ts';
import type { Log } from '../runtime/log.ts';
import { isIpLiteral, isLoopback } from '../uri/hosts.ts';
import { type Api, type ApiDeps, createApi } from './api.ts';
import { failure, json, methodNotAllowed, notFound } from './replies.ts';
import { statusPage } from './status-page.ts';
import type { Readiness } from './types.ts';

export interface AdminDeps extends ApiDeps {
  readonly ready: () => Readiness;
  readonly metricsText: () => string;
  readonly openHttp: OpenHttp;
  readonly log: Log;
}

export interface AdminOptions {
  readonly listen: Endpoint;
  /** What a caller from another machine shows as `Authorization: Bearer …`; without it none gets in. */
  readonly token: string | undefined;
}

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

/** Why somebody who may read the API may not do more, if that is so. */
const refusalOf = (request: HttpRequest, token: string | undefined): HttpReply | undefined => {
  // A form of any web page can post to 127.0.0.1 with the visitor's browser, and browsers say where it came from.
  if (request.header('origin') !== undefined || (request.header('sec-fetch-site') ?? 'none') !== 'none')
    return failure(403, 'not-for-browsers', 'this is for programs, not for web pages');
  // Who set a token up keeps this from the other users of the machine.
  return token === undefined || token === '' || hasToken(request, token)
    ? undefined
    : failure(401, 'token-required', 'this needs Authorization: Bearer TOKEN', {
        'WWW-Authenticate': 'Bearer',
      });
};

export class AdminServer {
  readonly #deps: AdminDeps;
  readonly #options: AdminOptions;
  readonly #api: Api;
  #port: HttpPort | undefined;

  constructor(deps: AdminDeps, options: AdminOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#api = createApi(deps);
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
    const { path, method } = request;
    const { token } = this.#options;
    const trusted = isTrusted(request, token);
    if (path.startsWith('/api/'))
      return trusted
        ? this.#api(request, (guarded) => refusalOf(guarded, token))
        : failure(401, 'token-required', 'off this machine the API needs Authorization: Bearer TOKEN', {
            'WWW-Authenticate': 'Bearer',
          });
    if (!['/', '/health/live', '/health/ready', '/metrics'].includes(path)) return notFound(path);
    if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed(['GET']);
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
}
