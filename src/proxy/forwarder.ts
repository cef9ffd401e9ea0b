// Forwards requests and answers, with no transaction of its own (RFC 3261 §16.11): a thin shell around plan, branch and memory.
import type { FlowTokens } from '../auth/flow-token.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Dns } from '../runtime/dns.ts';
import type { Background } from '../runtime/lifecycle.ts';
import type { Counter, Metrics } from '../runtime/metrics.ts';
import type { Retransmitter } from '../sip/client-transaction.ts';
import { writeReply, writeRequest, writeResponse } from '../sip/codec.ts';
import type { Flow, NextHop, ServerTransaction, SipRequest, SipResponse, SipSender } from '../sip/types.ts';
import { answerPort } from '../sip/via.ts';
import { findParam } from '../uri/params.ts';
import { parseSipUri } from '../uri/parse.ts';
import { ownDomain, type Self } from '../uri/self.ts';
import { type Branches, formatBranch, parseBranch } from './branch.ts';
import { type Forwarded, ForwardMemory } from './forward-memory.ts';
import {
  type ForwardPlan,
  forwardedRequest,
  forwardedResponse,
  recordRoutes,
  type Targeted,
  targeted,
} from './forwarded-message.ts';
import { hearing, type NoWay, noWay } from './no-way.ts';
import { resolveHops } from './resolve.ts';
import { wayBack } from './way-back.ts';

export interface ForwarderDeps {
  readonly clock: Clock;
  readonly dns: Dns;
  readonly sender: SipSender;
  readonly retransmitter: Pick<Retransmitter, 'send' | 'onResponse' | 'cancel'>;
  readonly tokens: FlowTokens;
  readonly branches: Branches;
  readonly self: Self;
  readonly background: Background;
  readonly metrics: Metrics;
}

export interface ForwarderOptions {
  /** Requests remembered, ringing and others each. */
  readonly max: number;
}

export type ForwardOutcome =
  | { readonly kind: 'sent'; readonly hop: NextHop }
  | NoWay
  /** Cancelled, or out of time, before there was a way. */
  | { readonly kind: 'abandoned' };

/** RFC 3261 §12.1, RFC 6665, RFC 3515: what begins a dialog whose later requests shall come through here. */
const BEGINS_DIALOG: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

/**
 * The server sends 100 after 200 ms, and a caller that has it stops repeating its INVITE: what goes out as late as this
 * is repeated by us.
 */
const OVERDUE_MS = 150;

const answersKey = (branch: string, method: string): string => `${branch} ${method}`;
const finalKey = (branch: string): string => `${branch} final`;

export class Forwarder {
  readonly #deps: ForwarderDeps;
  // BOUNDED: twice `max` (forward-memory.ts).
  readonly #memory: ForwardMemory;
  readonly #requests: Counter;
  readonly #responses: Counter;

  constructor(deps: ForwarderDeps, options: ForwarderOptions) {
    this.#deps = deps;
    this.#memory = new ForwardMemory(options.max);
    this.#requests = deps.metrics.counter(
      'chordial_sip_forwarded_total',
      'Requests forwarded, by what became of them',
    );
    this.#responses = deps.metrics.counter(
      'chordial_sip_answers_forwarded_total',
      'Answers to forwarded requests',
    );
  }

  /**
   * A retransmission, the CANCEL or the ACK of what was forwarded goes the same way, unasked: RFC 3261 §22.1 forbids to
   * challenge the last two. False if nothing of it is known here.
   */
  again(request: SipRequest): boolean {
    const { branches, clock } = this.#deps;
    const known = this.#memory.get(branches.transactionOf(request), clock.monoMs());
    if (known === undefined) return false;
    if (request.method === known.method) known.down.send(known.bytes);
    else if (known.method !== 'INVITE') return false;
    else if (request.method === 'CANCEL') this.#followCancel(request, known);
    else if (request.method === 'ACK') this.#followAck(request, known);
    else return false;
    this.#requests.add({ result: 'again' });
    return true;
  }

  /**
   * Sends the request of `transaction` on its way and releases it, or answers it. Who may have it forwarded the caller
   * has asked before. `startedMs`: when the transaction began (monotonic).
   */
  async forward(
    transaction: ServerTransaction,
    plan: ForwardPlan,
    startedMs: number,
  ): Promise<ForwardOutcome> {
    const outcome = await this.#tryForward(transaction, plan, startedMs);
    this.#requests.add({ result: outcome.kind });
    if (outcome.kind === 'sent') transaction.release();
    if (outcome.kind === 'refused') {
      const { status, reason } = outcome;
      transaction.reply({ status, ...(reason === undefined ? {} : { reason }) });
    }
    return outcome;
  }

  /** Every response that comes to us: we ask nothing ourselves, so each is the answer to what we forwarded, or stray. */
  onResponse(response: SipResponse, flow: Flow): void {
    const { branches, clock } = this.#deps;
    const [top] = response.vias;
    const branch = parseBranch(findParam(top.params, 'branch')?.value);
    const known = branch === undefined ? undefined : this.#memory.get(branch.transaction, clock.monoMs());
    if (branch !== undefined && known?.branch === formatBranch(branch)) {
      this.#answer(response, known);
      return;
    }
    // RFC 3261 §16.11: "the proxy MUST inspect the sent-by value in the first (topmost) Via header field value. If that
    // address matches the proxy, … the proxy MUST remove that header field value from the response and forward the
    // result". Ours is what has our address and our MACs.
    const { host, port } = flow.advertised;
    const addressed = top.host.toLowerCase() === host.toLowerCase() && top.port === port;
    if (branch !== undefined && addressed && branches.isAnswerToOurs(response, branch)) {
      this.#responses.add({ result: 'stateless' });
      this.#sendBack(response);
    } else this.#responses.add({ result: 'stray' });
  }

  #answer(response: SipResponse, known: Forwarded): void {
    const { clock, retransmitter } = this.#deps;
    this.#responses.add({ result: 'known' });
    retransmitter.onResponse(answersKey(known.branch, response.cseq.method), response.status);
    const final = response.status >= 200 && response.cseq.method === known.method;
    const refusal = final && response.status >= 300 && known.method === 'INVITE';
    // Over a stream the caller has forgotten a transaction that it acknowledged (RFC 3261 §17.1.1.2, timer D): its ACK
    // was lost behind us, and is ours to repeat.
    if (refusal && known.ack !== undefined && known.up.transport !== 'udp') {
      known.down.send(known.ack);
      return;
    }
    if (final) this.#memory.end(known, clock.monoMs());
    if (!known.up.open) {
      this.#sendBack(response);
      return;
    }
    const bytes = writeResponse(forwardedResponse(response));
    // Over a stream the callee says no only once (§17.2.1); a datagram of ours may be lost: until the ACK, again.
    if (refusal && known.up.transport === 'udp' && known.down.transport !== 'udp')
      retransmitter.send({
        bytes,
        flow: known.up,
        key: finalKey(known.branch),
        method: 'answer',
      });
    else known.up.send(bytes);
  }

  /** To where the next Via says; the flow that the request came by is not known, or gone. */
  #sendBack(response: SipResponse): void {
    const { background, sender } = this.#deps;
    const below = response.vias[1];
    const hop = below === undefined ? undefined : wayBack(below);
    if (hop === undefined) {
      this.#responses.add({ result: 'undeliverable' });
      return;
    }
    const bytes = writeResponse(forwardedResponse(response));
    background.background(
      'an answer without a flow',
      sender.flowTo(hop).then((flow) => {
        if (flow?.send(bytes) !== true) this.#responses.add({ result: 'undeliverable' });
      }),
    );
  }

  #followCancel(request: SipRequest, known: Forwarded): void {
    this.#deps.retransmitter.cancel(answersKey(known.branch, 'INVITE'));
    const bytes = this.#rewrite(request, known, known.branch, known.down, []);
    this.#send(bytes, request, known, known.up.transport !== 'udp');
  }

  #followAck(request: SipRequest, known: Forwarded): void {
    const { clock, retransmitter } = this.#deps;
    retransmitter.cancel(finalKey(known.branch));
    const ack = this.#rewrite(request, known, known.branch, known.down, []);
    this.#memory.end({ ...known, ack }, clock.monoMs());
    known.down.send(ack);
  }

  async #tryForward(
    transaction: ServerTransaction,
    plan: ForwardPlan,
    startedMs: number,
  ): Promise<ForwardOutcome> {
    const { request } = transaction;
    const { branches, self, sender } = this.#deps;
    if (request.maxForwards === 0) return { kind: 'refused', status: 483, why: 'Max-Forwards is used up' };
    if (branches.loops(request)) return { kind: 'refused', status: 482, why: 'it was here before' };
    const target = targeted(plan);
    const next = parseSipUri(target.next);
    if (!next.ok) return { kind: 'refused', status: 400, why: `next hop: ${next.error}` };
    const branch = branches.of(request);
    const supports = (transport: NextHop['transport'], family: 4 | 6): boolean =>
      sender.advertised(transport, family) !== undefined;
    const { dns, said } = hearing(this.#deps.dns);
    let tried = false;
    for await (const hop of resolveHops(next.value, { dns, supports, seed: branch.transaction })) {
      tried = true;
      // Where a name leads back here, the next round would do the same.
      if (ownDomain({ scheme: 'sip', host: hop.host, port: hop.port, params: [] }, self) !== undefined)
        return { kind: 'refused', status: 482, why: 'the way leads back here' };
      const [down, up] = await Promise.all([sender.flowTo(hop), this.#upstream(transaction)]);
      if (transaction.done) return { kind: 'abandoned' };
      if (down === undefined) continue;
      const known = this.#prepare(request, target, {
        transaction: branch.transaction,
        branch: formatBranch(branch),
        up,
        down,
      });
      if (request.method !== 'ACK') this.#memory.add(known, this.#deps.clock.monoMs());
      const repeat = up.transport !== 'udp' || this.#deps.clock.monoMs() - startedMs >= OVERDUE_MS;
      if (this.#send(known.bytes, request, known, repeat)) return { kind: 'sent', hop };
      this.#memory.delete(known.transaction);
    }
    if (transaction.done) return { kind: 'abandoned' };
    return noWay(tried, said());
  }

  #prepare(
    request: SipRequest,
    target: Targeted,
    way: Pick<Forwarded, 'transaction' | 'branch' | 'up' | 'down'>,
  ): Forwarded {
    const { clock, tokens } = this.#deps;
    const callerTag = findParam(request.from.params, 'tag')?.value;
    const begins = BEGINS_DIALOG.has(request.method) && findParam(request.to.params, 'tag') === undefined;
    const routes =
      begins && callerTag !== undefined
        ? recordRoutes(way.up, way.down, tokens.sign({ callId: request.callId, callerTag }, clock.wallMs()))
        : [];
    const { uri, routes: left } = target;
    const bytes = this.#rewrite(request, target, way.branch, way.down, routes);
    return { ...way, method: request.method, uri, routes: left, bytes };
  }

  #rewrite(
    request: SipRequest,
    target: ForwardPlan,
    branch: string,
    down: Flow,
    records: ReturnType<typeof recordRoutes>,
  ): Uint8Array {
    const isOurRealm = (realm: string): boolean => this.#deps.self.domains.has(realm.toLowerCase());
    return writeRequest(
      forwardedRequest(request, { target, branch, down, recordRoutes: records, isOurRealm }),
    );
  }

  /** Repeated onto UDP where the caller will not: its side is a stream, or it has our 100. */
  #send(bytes: Uint8Array, request: SipRequest, known: Forwarded, repeat: boolean): boolean {
    const { branch, down } = known;
    if (!repeat) return down.send(bytes);
    const { method } = request;
    const onTimeout = (): void => this.#giveUp(request, known);
    return this.#deps.retransmitter.send({
      bytes,
      flow: down,
      key: answersKey(branch, method),
      method,
      onTimeout,
    });
  }

  /**
   * Nobody answered. A caller who had our 100 would wait for ever. RFC 3261 §16.8: "the proxy MUST behave as if the
   * transaction received a 408"; RFC 4320 §4.2 forbids one for anything but an INVITE.
   */
  #giveUp(request: SipRequest, known: Forwarded): void {
    if (request.method !== 'INVITE') return;
    this.#memory.end(known, this.#deps.clock.monoMs());
    this.#requests.add({ result: 'timeout' });
    known.up.send(writeReply(request, { status: 408 }, { toTag: known.transaction }));
  }

  /** The way answers go: over UDP to the port that the top Via says, by the socket the request came to. */
  async #upstream({ request, flow }: ServerTransaction): Promise<Flow> {
    if (flow.transport !== 'udp') return flow;
    const { remote, local } = flow;
    const port = answerPort(request.vias[0], remote);
    if (port === remote.port) return flow;
    return (await this.#deps.sender.flowTo({ transport: 'udp', host: remote.host, port, local })) ?? flow;
  }
}
