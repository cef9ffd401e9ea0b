// Forwards requests and answers: which relay they belong to, and what is done for those that none is kept for (RFC 3261 §16.11).
import type { FlowTokens } from '../auth/flow-token.ts';
import type { Clock } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import type { Dns } from '../runtime/dns.ts';
import type { Background } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';
import type { Counter, Metrics } from '../runtime/metrics.ts';
import { GIVE_UP_MS, type Retransmitter } from '../sip/client-transaction.ts';
import { writeRequest } from '../sip/codec.ts';
import type { Flow, NextHop, ServerTransaction, SipRequest, SipResponse, SipSender } from '../sip/types.ts';
import { answerPort } from '../sip/via.ts';
import { findParam } from '../uri/params.ts';
import { parseSipUri } from '../uri/parse.ts';
import type { Self } from '../uri/self.ts';
import { type Branches, formatBranch, parseBranch } from './branch.ts';
import { type ForwardPlan, forwardedRequest, recordRoutes, targeted } from './forwarded-message.ts';
import { HopRests } from './hop-rests.ts';
import type { NoWay } from './no-way.ts';
import { Relay, type RelayDeps, type Turn } from './relay.ts';
import { RelayTable, type RelayTableOptions } from './relay-table.ts';
import type { RelayedRequest } from './relayed-request.ts';
import { createSendBack, type SendBack } from './send-back.ts';
import { Way, type WayOptions } from './way.ts';

export interface ForwarderDeps {
  readonly clock: Clock;
  readonly dns: Dns;
  readonly sender: SipSender;
  readonly retransmitter: Pick<Retransmitter, 'send' | 'onResponse' | 'cancel'>;
  readonly tokens: FlowTokens;
  readonly branches: Branches;
  readonly self: Self;
  readonly background: Background;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type ForwardOutcome =
  | { readonly kind: 'sent'; readonly hop: NextHop }
  | NoWay
  /** Cancelled, or out of time, before there was a way. */
  | { readonly kind: 'abandoned' };

/** RFC 3261 §12.1, RFC 6665, RFC 3515: what begins a dialog whose later requests shall come through here. */
const BEGINS_DIALOG: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

const tagOf = (address: SipRequest['from']): string | undefined => findParam(address.params, 'tag')?.value;

const isSips = (uri: string): boolean => /^sips:/i.test(uri);

/** Whatever a phone sent is cut (docs/operations.md). */
const LOGGED_CHARS_MAX = 128;
const WHY: Readonly<Record<Turn, string>> = {
  'next-hop': 'silent, away or busy: the next server is tried',
  timeout: 'no answer',
  unreachable: 'away or busy, and no other server',
};

/** What a request is held by: as it came, and as it goes out until it is answered; and all around it (test/bench/held.ts). */
const HELD_TIMES = 2;
const HELD_AROUND_BYTES = 9 * 1024;

export class Forwarder {
  readonly #deps: ForwarderDeps;
  // BOUNDED: by its options (relay-table.ts).
  readonly #table: RelayTable<Relay>;
  // BOUNDED: hop-rests.ts.
  readonly #rests = new HopRests();
  readonly #sendBack: SendBack;
  readonly #relayDeps: RelayDeps;
  readonly #requests: Counter;
  readonly #responses: Counter;

  constructor(deps: ForwarderDeps, options: RelayTableOptions) {
    this.#deps = deps;
    this.#table = new RelayTable(options);
    const { metrics } = deps;
    this.#requests = metrics.counter(
      'chordial_sip_forwarded_total',
      'Requests forwarded, by what became of them',
    );
    this.#responses = metrics.counter(
      'chordial_sip_answers_forwarded_total',
      'Answers to forwarded requests',
    );
    metrics.gauge('chordial_sip_forwarding', 'Forwarded requests that are held', () => this.#table.size);
    this.#sendBack = createSendBack(deps, () => this.#responses.add({ result: 'undeliverable' }));
    this.#relayDeps = {
      ...deps,
      rests: this.#rests,
      sendBack: this.#sendBack,
      onEnd: (relay) => this.#table.end(relay, deps.clock.monoMs()),
      onTurn: (result, request, from) => this.#tell(result, request, from),
    };
  }

  /** Ends what is under way, and tells nobody. */
  stop(): void {
    this.#table.stop();
  }

  /**
   * A retransmission, the CANCEL or the ACK of what was forwarded goes the same way, unasked: RFC 3261 §22.1 forbids to
   * challenge the last two. False if nothing of it is known here.
   */
  again(transaction: ServerTransaction): boolean {
    const { branches, clock } = this.#deps;
    const { request } = transaction;
    const relay = this.#table.get(branches.transactionOf(request), clock.monoMs());
    if (relay?.take(request) !== true) return false;
    // §16.10: "the element MUST immediately return a 200 (OK) response to the CANCEL request."
    if (request.method === 'CANCEL') transaction.reply({ status: 200 });
    else transaction.release();
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

  /** What became of a request whose line in the log said that it was forwarded. */
  #tell(result: Turn, { method, callId }: SipRequest, from: NextHop): void {
    this.#requests.add({ result });
    const to = `${from.transport}:${formatEndpoint(from)}`;
    const fields = { method, callId: callId.slice(0, LOGGED_CHARS_MAX), to, why: WHY[result] };
    if (result === 'next-hop') this.#deps.log.debug(fields, 'forwarding');
    else this.#deps.log.info(fields, 'forwarding');
  }

  /** Every response that comes to us: we ask nothing ourselves, so each is the answer to what we forwarded, or stray. */
  onResponse(response: SipResponse, flow: Flow): void {
    const { branches, clock } = this.#deps;
    const [top] = response.vias;
    const branch = parseBranch(findParam(top.params, 'branch')?.value);
    const relay = branch === undefined ? undefined : this.#table.get(branch.transaction, clock.monoMs());
    if (branch !== undefined && relay?.answer(formatBranch(branch), response) === true) {
      this.#responses.add({ result: 'known' });
      return;
    }
    // RFC 3261 §16.11: "the proxy MUST inspect the sent-by value in the first (topmost) Via header field value. If that
    // address matches the proxy, … the proxy MUST remove that header field value from the response and forward the
    // result". Ours is what has our address and our MACs.
    const { host, port } = flow.advertised;
    const addressed = top.host.toLowerCase() === host.toLowerCase() && top.port === port;
    const below = response.vias[1];
    if (
      below !== undefined &&
      branch !== undefined &&
      addressed &&
      branches.isAnswerToOurs(response, branch)
    ) {
      this.#responses.add({ result: 'stateless' });
      this.#sendBack(response, below);
    } else this.#responses.add({ result: 'stray' });
  }

  async #tryForward(
    transaction: ServerTransaction,
    plan: ForwardPlan,
    startedMs: number,
  ): Promise<ForwardOutcome> {
    const { request, flow } = transaction;
    const { branches } = this.#deps;
    if (request.maxForwards === 0) return { kind: 'refused', status: 483, why: 'Max-Forwards is used up' };
    if (branches.loops(request)) return { kind: 'refused', status: 482, why: 'it was here before' };
    const { next, ...target } = targeted(plan);
    const uri = parseSipUri(next);
    if (!uri.ok) return { kind: 'refused', status: 400, why: `next hop: ${uri.error}` };
    let sent = false;
    // §16.6 step 7: "if the Request-URI specifies a SIPS resource …, the proxy MUST follow the procedures of [4] as if the
    // input URI were a SIPS URI."
    const secure = isSips(target.uri) || uri.value.scheme === 'sips';
    const of = this.#relayed(request, target, {
      uri: secure ? { ...uri.value, scheme: 'sips' } : uri.value,
      up: await this.#upstream(transaction),
      source: flow.remote.host,
      startedMs,
      // Connections to dead servers take their time, and a caller waits until his timer B or F.
      onFound: () => transaction.prolong(GIVE_UP_MS - (this.#deps.clock.monoMs() - startedMs)),
      isOver: () => (sent ? this.#deps.clock.monoMs() - startedMs > GIVE_UP_MS : transaction.done),
    });
    for (;;) {
      const reached = await of.way.next();
      if (transaction.done) return { kind: 'abandoned' };
      if (reached === undefined) return of.way.problem;
      const { hop, down, bytes } = reached;
      const heldBytes = HELD_AROUND_BYTES + HELD_TIMES * bytes.length;
      // An ACK is over once it is sent; over a full table so is everything else, as for a stateless proxy (§16.11).
      if (
        request.method === 'ACK' ||
        !this.#table.hasRoom(of.transaction, heldBytes, this.#deps.clock.monoMs())
      ) {
        if (down.send(bytes)) return { kind: 'sent', hop };
        continue;
      }
      const relay = new Relay(this.#relayDeps, of, reached);
      if (!relay.start(bytes)) continue;
      this.#table.add(relay, heldBytes);
      sent = true;
      return { kind: 'sent', hop };
    }
  }

  #relayed(
    request: SipRequest,
    target: ForwardPlan,
    by: Pick<WayOptions, 'uri' | 'source' | 'onFound' | 'isOver'> & Pick<RelayedRequest, 'up' | 'startedMs'>,
  ): RelayedRequest {
    const { branches, clock, tokens } = this.#deps;
    const branch = branches.of(request);
    const callerTag = tagOf(request.from);
    const begins = BEGINS_DIALOG.has(request.method) && tagOf(request.to) === undefined;
    // Signed once, so that all it is sent to see the same.
    const token =
      begins && callerTag !== undefined
        ? tokens.sign({ callId: request.callId, callerTag }, clock.wallMs())
        : undefined;
    const isOurRealm = (realm: string): boolean => this.#deps.self.domains.has(realm.toLowerCase());
    const branchOf = (attempt: number): string => formatBranch({ ...branch, attempt });
    const rewrite = (message: SipRequest, down: Flow, attempt: number, signed?: string): Uint8Array => {
      const secure = by.uri.scheme === 'sips';
      const routes = signed === undefined ? [] : recordRoutes(by.up, down, signed, { secure });
      const changes = { target, branch: branchOf(attempt), down, recordRoutes: routes, isOurRealm };
      return writeRequest(forwardedRequest(message, changes));
    };
    const write: RelayedRequest['write'] = (down, attempt) => rewrite(request, down, attempt, token);
    const way = new Way(
      { ...this.#deps, rests: this.#rests },
      {
        uri: by.uri,
        seed: branch.transaction,
        source: by.source,
        onFound: by.onFound,
        isOver: by.isOver,
        write,
      },
    );
    const { up, startedMs } = by;
    const { transaction } = branch;
    return { transaction, request, target, up, way, startedMs, branchOf, write, writeAck: rewrite };
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
