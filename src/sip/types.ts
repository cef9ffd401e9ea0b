// SIP messages and flows as data. Strings are bytes read as latin1, so that what isn't ours leaves as it came.
import type { Endpoint } from '../runtime/datagram.ts';
import type { Param } from '../uri/types.ts';

export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
/** Those with connections. */
export type StreamTransportName = Exclude<Transport, 'udp'>;

/** A socket to open. Port 0 takes a free one; an advertised port 0 becomes the bound one. */
export interface ListenerSpec {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  readonly advertised: Endpoint;
}

/** A listener once it listens. */
export interface BoundListener {
  readonly transport: Transport;
  readonly bound: Endpoint;
  readonly advertised: Endpoint;
}

/** One header row: `name` in its lower-case long form, `as` as written, `value` unfolded and trimmed. */
export interface HeaderRow {
  readonly name: string;
  readonly as: string;
  readonly value: string;
}

/** One Via value (RFC 3261 §20.42). `transport` in upper case; `host` as written, IPv6 without brackets. */
export interface Via {
  readonly transport: string;
  readonly host: string;
  readonly port?: number;
  readonly params: readonly Param[];
  /** The whole value as written. */
  readonly text: string;
}

/** A From, To, Contact, Route … value: `<uri>;params` or an addr-spec. */
export interface NameAddr {
  /** As written, quotes included; absent if none. */
  readonly display?: string;
  readonly uri: string;
  readonly params: readonly Param[];
  readonly text: string;
}

interface MessageBase {
  /** All rows in order, those parsed below included. */
  readonly rows: readonly HeaderRow[];
  readonly vias: readonly [Via, ...Via[]];
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly callId: string;
  readonly cseq: { readonly seq: number; readonly method: string };
  readonly body: Uint8Array;
}

export interface SipRequest extends MessageBase {
  readonly kind: 'request';
  readonly method: string;
  /** The Request-URI as written. */
  readonly uri: string;
  readonly maxForwards?: number;
}

export interface SipResponse extends MessageBase {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
}

export type SipMessage = SipRequest | SipResponse;

/** The way a message came and its answer goes: a UDP peer on one of our sockets, or one connection. */
export interface Flow {
  readonly transport: Transport;
  /** Our end, as bound. */
  readonly local: Endpoint;
  /** What others reach this listener at (advertised host and port). */
  readonly advertised: Endpoint;
  readonly remote: Endpoint;
  /** False once the connection is gone; always true for UDP. */
  readonly open: boolean;
  /** Returns false if the bytes could not be handed on (closed, or its buffer is full). */
  send(bytes: Uint8Array): boolean;
  /** Ends a connection at once; a datagram has none. */
  close?(): void;
}

/** Header rows to add to a response, in order: long names in their usual spelling. Values must not hold CR, LF or NUL. */
export type ExtraHeaders = readonly (readonly [name: string, value: string])[];

export interface Reply {
  readonly status: number;
  /** The usual phrase if absent. */
  readonly reason?: string;
  readonly headers?: ExtraHeaders;
  readonly body?: Uint8Array;
}

/** A request being served. */
export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** True once CANCEL came or an answer was sent: work for it may be dropped. */
  readonly done: boolean;
  /** Sends one response by the way the request came; a final one ends the transaction. The first final one counts. */
  reply(reply: Reply): void;
  /** Leaves the transaction without an answer of ours: a forwarder took it over. */
  release(): void;
  /** From now on it may take `ms` more: whoever asks DNS and opens connections is not bound by the deadline of a lookup. */
  prolong(ms: number): void;
}

/** What a method does; its rejection becomes a 500 and an error line. */
export type MethodHandler = (transaction: ServerTransaction) => Promise<void>;

/** Where to send a request that we forward. */
export interface NextHop {
  readonly transport: Transport;
  /** An IP literal: names are resolved before. */
  readonly host: string;
  readonly port: number;
  /** The UDP listener to leave by, as bound; without it the first of the address family. */
  readonly local?: Endpoint;
  /**
   * The domain whose server this is: the other side of a TLS connection must show a certificate for it (RFC 5922 §7.3).
   * Without it the certificate must name the address.
   */
  readonly serverName?: string;
}

/** The sockets as the forwarder sees them. */
export interface SipSender {
  /** The flow to `hop`, over a listener of its transport and address family; opens a connection where one is needed. */
  flowTo(hop: NextHop): Promise<Flow | undefined>;
  /** The listener's advertised address for a transport and family, for our Via and Record-Route. */
  advertised(transport: Transport, family: 4 | 6): Endpoint | undefined;
}
