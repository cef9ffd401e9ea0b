// A transaction and a flow that write down what was done with them.
import type { Endpoint } from '../../src/runtime/datagram.ts';
import type { Flow, Reply, ServerTransaction, SipRequest, Transport } from '../../src/sip/types.ts';

export class FakeFlow implements Flow {
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly advertised: Endpoint;
  readonly remote: Endpoint;
  open = true;
  /** False: its write buffer is full, or its connection half gone. */
  takes = true;
  /** What was sent, as latin1 text. BOUNDED: by the test. */
  readonly sent: string[] = [];

  constructor(transport: Transport, remote: Endpoint, us: Endpoint = { host: '192.0.2.1', port: 5060 }) {
    this.transport = transport;
    this.remote = remote;
    this.local = us;
    this.advertised = us;
  }

  send(bytes: Uint8Array): boolean {
    if (!this.open || !this.takes) return false;
    this.sent.push(Buffer.from(bytes).toString('latin1'));
    return true;
  }
}

export class FakeTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly flow: FakeFlow;
  /** The answers given, in order. BOUNDED: by the test. */
  readonly replies: Reply[] = [];
  released = false;
  prolongedMs = 0;
  /** CANCEL came. */
  cancelled = false;

  constructor(request: SipRequest, flow: FakeFlow) {
    this.request = request;
    this.flow = flow;
  }

  get done(): boolean {
    return this.cancelled || this.released || this.replies.some(({ status }) => status >= 200);
  }

  reply(reply: Reply): void {
    this.replies.push(reply);
  }

  release(): void {
    this.released = true;
  }

  prolong(ms: number): void {
    this.prolongedMs = ms;
  }

  /** The status of the last answer, or what happened instead of one. */
  get status(): number | 'released' | 'nothing' {
    return this.replies.at(-1)?.status ?? (this.released ? 'released' : 'nothing');
  }

  /** All values of one header of the last answer. */
  values(name: string): readonly string[] {
    return (this.replies.at(-1)?.headers ?? []).filter(([key]) => key === name).map(([, value]) => value);
  }
}
