// INVITE, MESSAGE, OPTIONS …: looks the callee up and answers 302, or hands the request to whoever forwards it.
import type { Authenticator } from '../auth/authenticator.ts';
import type { FlowTokens } from '../auth/flow-token.ts';
import type { LocationService, QueryResult } from '../location/types.ts';
import type { Clock } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import { unreachable } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { type Random, randomBelow } from '../runtime/random.ts';
import { parseNameAddrs } from '../sip/name-addr.ts';
import { reasonPhrase } from '../sip/reason-phrases.ts';
import type { NextHop, Reply, ServerTransaction, SipRequest } from '../sip/types.ts';
import { aorOf } from '../uri/name.ts';
import type { Self } from '../uri/self.ts';
import type { LocationName, SipUri } from '../uri/types.ts';
import { type CallerDeps, checkCaller } from './caller.ts';
import { type ForwardPlan, type RouteDecision, routeDecision } from './route-decision.ts';
import { contactsFor } from './targets.ts';

/** Who forwards: the proxy. */
interface RequestForwarder {
  /** A retransmission, CANCEL or ACK of what was forwarded: it takes the transaction; false if nothing of it is known. */
  again(transaction: ServerTransaction): boolean;
  /** Sends it on and releases the transaction, or answers it. */
  forward(
    transaction: ServerTransaction,
    plan: ForwardPlan,
    startedMs: number,
  ): Promise<
    | { readonly kind: 'sent'; readonly hop: NextHop }
    | { readonly kind: 'refused'; readonly status: number; readonly why: string }
    | { readonly kind: 'abandoned' }
  >;
}

export interface RedirectorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly location: Pick<LocationService, 'query'>;
  readonly forwarder: RequestForwarder;
  readonly authenticator: Authenticator;
  readonly tokens: FlowTokens;
  readonly self: Self;
  readonly userFor: CallerDeps['userFor'];
  readonly isPeer: CallerDeps['isPeer'];
  /** How a request is refused that asks for what this server cannot do. */
  readonly unmet: (request: SipRequest) => Reply | undefined;
}

/** What became of a request, for its log line. */
interface Ending {
  readonly code: number | undefined;
  readonly why: string;
  readonly name?: LocationName;
}

/** RFC 3261 §21.4.18: "The reason phrase SHOULD indicate a more precise cause as to why the callee is unavailable." */
const unreachableBecause = (cause: string): Reply => ({
  status: 480,
  reason: `${reasonPhrase(480)}: ${cause}`,
});

/** RFC 5630 has this code for a callee who is not to be had over TLS. */
const SIPS_NOT_ALLOWED = ['Warning', '380 chordial "SIPS Not Allowed"'] as const;

/** Whatever a phone sent is cut (docs/operations.md). */
const LOGGED_CHARS_MAX = 128;

type LookUp = Extract<RouteDecision, { kind: 'look-up' }>;

export class Redirector {
  readonly #deps: RedirectorDeps;

  constructor(deps: RedirectorDeps) {
    this.#deps = deps;
  }

  /** Serves every method but REGISTER, ACK and CANCEL. */
  async handle(transaction: ServerTransaction): Promise<void> {
    const startedMs = this.#deps.clock.monoMs();
    if (this.#deps.forwarder.again(transaction)) return;
    const ending = await this.#serve(transaction, this.#decide(transaction.request), startedMs);
    this.#tell(transaction, ending, startedMs);
  }

  /** An ACK that is for no answer of ours: of what was forwarded, or with our token. Others go no further. */
  async handleAck(transaction: ServerTransaction): Promise<void> {
    const startedMs = this.#deps.clock.monoMs();
    if (this.#deps.forwarder.again(transaction)) return;
    const decision = this.#decide(transaction.request);
    // RFC 3261 §22.1: "servers MUST NOT … challenge an ACK": without a token there is nothing to let it pass by.
    if (decision.kind === 'pass') await this.#deps.forwarder.forward(transaction, decision.plan, startedMs);
  }

  /** A CANCEL for no request that is under way here: it goes the way of the INVITE, or gets the server's 481. */
  async handleCancel(transaction: ServerTransaction): Promise<void> {
    this.#deps.forwarder.again(transaction);
  }

  #decide(request: SipRequest): RouteDecision {
    const { self, userFor, tokens, clock } = this.#deps;
    const routes = parseNameAddrs(request.rows, 'route');
    if (!routes.ok) return { kind: 'refuse', reply: { status: 400 }, why: `Route: ${routes.error}` };
    const nowMs = clock.wallMs();
    return routeDecision(request, routes.value, {
      self,
      userFor,
      isToken: (token, dialog) => tokens.check(token, dialog, nowMs),
    });
  }

  async #serve(transaction: ServerTransaction, decision: RouteDecision, startedMs: number): Promise<Ending> {
    switch (decision.kind) {
      case 'refuse':
        return decision.reply.status === 404
          ? this.#notRedirected(transaction, decision.reply, decision.why)
          : this.#reply(transaction, decision.reply, decision.why);
      case 'pass':
        return this.#forward(transaction, decision.plan, startedMs);
      case 'forward-for-user':
        return this.#forwardForUser(transaction, decision.plan, startedMs);
      case 'look-up': {
        const found = await this.#deps.location.query(decision.name);
        const ending = await this.#redirect(transaction, decision, found, startedMs);
        return { ...ending, name: decision.name };
      }
      default:
        return unreachable(decision);
    }
  }

  #redirect(
    transaction: ServerTransaction,
    { uri, otherwise }: LookUp,
    found: QueryResult,
    startedMs: number,
  ): Ending | Promise<Ending> {
    switch (found.kind) {
      case 'found':
        return this.#answerFound(transaction, uri, found.bindings);
      case 'none':
        return otherwise === 'unavailable'
          ? this.#notRedirected(transaction, unreachableBecause('not registered'), 'not registered')
          : this.#forwardForUser(transaction, otherwise, startedMs);
      case 'unavailable': {
        // Spread, so that those who were turned away do not come back together.
        const retryAfter = String(2 + randomBelow(this.#deps.random, 9));
        const reply: Reply = { status: 503, headers: [['Retry-After', retryAfter]] };
        return this.#reply(transaction, reply, `location service: ${found.reason}`);
      }
      case 'timeout':
        return this.#reply(transaction, { status: 504 }, 'location service: no answer in time');
      default:
        return unreachable(found);
    }
  }

  #answerFound(
    transaction: ServerTransaction,
    uri: SipUri,
    bindings: Extract<QueryResult, { kind: 'found' }>['bindings'],
  ): Ending {
    const contacts = contactsFor(bindings, uri, this.#deps.self);
    if (contacts.length === 0) {
      // RFC 5630: who is registered, but not for TLS all the way, is told so; the caller may try sip: instead.
      const headers = uri.scheme === 'sips' ? [SIPS_NOT_ALLOWED] : [];
      const why = 'no contact that a redirection may name';
      return this.#notRedirected(transaction, { ...unreachableBecause(why), headers }, why);
    }
    const headers = contacts.map((contact) => ['Contact', contact] as const);
    return this.#reply(
      transaction,
      { status: 302, headers },
      `${contacts.length} of ${bindings.length} contacts`,
    );
  }

  /** A request that ends here: what it asks for and we do not understand says so first (RFC 3261 §8.2.1, §8.2.2.3). */
  #notRedirected(transaction: ServerTransaction, reply: Reply, why: string): Ending {
    const unmet = this.#deps.unmet(transaction.request);
    return unmet === undefined
      ? this.#reply(transaction, reply, why)
      : this.#reply(transaction, unmet, `${why}; method or option not understood`);
  }

  #reply(transaction: ServerTransaction, reply: Reply, why: string): Ending {
    if (transaction.done) return { code: undefined, why: 'cancelled, or out of time' };
    transaction.reply(reply);
    return { code: reply.status, why };
  }

  async #forwardForUser(
    transaction: ServerTransaction,
    plan: ForwardPlan,
    startedMs: number,
  ): Promise<Ending> {
    if (transaction.done) return { code: undefined, why: 'cancelled, or out of time' };
    const caller = checkCaller(transaction, this.#deps);
    if (caller.kind === 'refused') return this.#reply(transaction, caller.reply, caller.why);
    return this.#forward(transaction, plan, startedMs);
  }

  async #forward(transaction: ServerTransaction, plan: ForwardPlan, startedMs: number): Promise<Ending> {
    const outcome = await this.#deps.forwarder.forward(transaction, plan, startedMs);
    switch (outcome.kind) {
      case 'sent':
        return {
          code: undefined,
          why: `forwarded to ${outcome.hop.transport}:${formatEndpoint(outcome.hop)}`,
        };
      case 'refused':
        return { code: outcome.status, why: outcome.why };
      case 'abandoned':
        return { code: undefined, why: 'cancelled, or out of time' };
      default:
        return unreachable(outcome);
    }
  }

  /** One info line a call; what else phones say all day is for debugging. */
  #tell({ request, flow }: ServerTransaction, { code, why, name }: Ending, startedMs: number): void {
    const fields = {
      method: request.method,
      callId: request.callId.slice(0, LOGGED_CHARS_MAX),
      aor: (name === undefined ? request.uri : aorOf(name)).slice(0, LOGGED_CHARS_MAX),
      src: formatEndpoint(flow.remote),
      transport: flow.transport,
      code,
      why,
      ms: Math.round(this.#deps.clock.monoMs() - startedMs),
    };
    if (request.method === 'INVITE') this.#deps.log.info(fields, 'call');
    else this.#deps.log.debug(fields, 'request');
  }
}
