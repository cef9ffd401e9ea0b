// A phone of the demo, made with the npm package `sip`: registers, calls, follows a 302, answers, hangs up.
import { randomUUID } from 'node:crypto';
import * as sip from 'sip';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { openDatagram } from '../../src/runtime/datagram.ts';
import type { Ladder } from './ladder.ts';

/** A port nobody has right now: the package can't bind port 0 and say which it got. */
async function freePort(): Promise<number> {
  const probe = await openDatagram(
    { host: '127.0.0.1', port: 0 },
    { onMessage: () => undefined, onError: () => undefined },
  );
  await probe.close();
  return probe.local.port;
}

const ANSWER_MS = 8_000;

export interface Call {
  /** Status of the last answer. */
  readonly status: number;
  /** Where the 302 led. */
  readonly contact: string | undefined;
  readonly tookMs: number;
}

export class Phone {
  readonly name: string;
  readonly domain: string;
  readonly #stack: sip.Stack;
  readonly port: number;
  readonly #registrationId = randomUUID();
  #cseq = 0;

  private constructor(name: string, domain: string, port: number, ladder: Ladder) {
    this.name = name;
    this.domain = domain;
    this.port = port;
    ladder.name(port, `${name}'s phone`);
    this.#stack = sip.create(
      {
        address: '127.0.0.1',
        port,
        // The package takes a request to its own host for its own: so it is called something else.
        publicAddress: `${name}.invalid`,
        tcp: false,
        logger: {
          send: (message, to) => ladder.message(port, to.port, message),
          recv: (message, from) => {
            // What comes from another phone was drawn when that one sent it.
            if (ladder.isServer(from.port)) ladder.message(from.port, port, message);
          },
          error: (error) => ladder.note(`${name}'s phone: ${error.message}`),
        },
      },
      (request) => this.#serve(request),
    );
  }

  static async open(name: string, domain: string, ladder: Ladder): Promise<Phone> {
    return new Phone(name, domain, await freePort(), ladder);
  }

  get aor(): string {
    return `sip:${this.name}@${this.domain}`;
  }

  get contact(): string {
    return `sip:${this.name}@127.0.0.1:${this.port}`;
  }

  close(): void {
    this.#stack.destroy();
  }

  /** Registers at a server of the domain; the status it answered, 408 if it didn't. */
  async register(registrar: Endpoint): Promise<number> {
    const answer = await this.#ask(
      this.#request('REGISTER', `sip:${this.domain}`, this.aor, this.#registrationId),
      registrar,
    );
    return answer?.status ?? 408;
  }

  /** Calls through the own registrar, goes where it is sent, and hangs up again. */
  async call(uri: string, registrar: Endpoint): Promise<Call> {
    const startedMs = performance.now();
    const callId = randomUUID();
    const tag = callId.slice(0, 8);
    let answer = await this.#ask(this.#request('INVITE', uri, uri, callId, tag), registrar);
    let contact: string | undefined;
    if (answer?.status === 302) {
      contact = answer.headers.contact?.[0]?.uri;
      if (contact !== undefined)
        answer = await this.#ask(this.#request('INVITE', contact, uri, callId, tag), undefined);
    }
    const tookMs = performance.now() - startedMs;
    if (answer?.status === 200 && contact !== undefined) {
      const to = answer.headers.to;
      const ack = this.#request('ACK', contact, uri, callId, tag);
      this.#stack.send({
        ...ack,
        headers: { ...ack.headers, to, cseq: { seq: answer.headers.cseq.seq, method: 'ACK' } },
      });
      const bye = this.#request('BYE', contact, uri, callId, tag);
      await this.#ask({ ...bye, headers: { ...bye.headers, to } }, undefined);
    }
    return { status: answer?.status ?? 408, contact, tookMs };
  }

  #request(
    method: string,
    uri: string,
    to: string,
    callId: string,
    tag = callId.slice(0, 8),
  ): sip.PhoneMessage {
    this.#cseq += 1;
    return {
      method,
      uri,
      headers: {
        to: { uri: to },
        from: { uri: this.aor, params: { tag } },
        'call-id': callId,
        cseq: { seq: this.#cseq, method },
        'max-forwards': '70',
        contact: [{ uri: this.contact }],
      },
    };
  }

  #ask(request: sip.PhoneMessage, proxy: Endpoint | undefined): Promise<sip.PhoneMessage | undefined> {
    const route = proxy === undefined ? {} : { route: [{ uri: `sip:${proxy.host}:${proxy.port};lr` }] };
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
      this.#stack.send({ ...request, headers: { ...request.headers, ...route } }, (answer) => {
        if ((answer.status ?? 0) < 200) return;
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  #serve(request: sip.PhoneMessage): void {
    if (request.method === 'ACK') return;
    if (request.method !== 'INVITE') {
      this.#stack.send(sip.makeResponse(request, 200, 'OK'));
      return;
    }
    const answer = (status: number, reason: string): void => {
      const response = sip.makeResponse(request, status, reason);
      response.headers.to.params = { ...response.headers.to.params, tag: this.name };
      response.headers.contact = [{ uri: this.contact }];
      this.#stack.send(response);
    };
    answer(180, 'Ringing');
    answer(200, 'OK');
  }
}
