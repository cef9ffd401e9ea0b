// The phones of the matrix behind one face: what a person does with a phone, and what the person sees.
import { Baresip, type BaresipOptions } from './baresip.ts';
import { BrowserPhone, type BrowserPhoneOptions } from './browser-phone.ts';
import { Jami, type JamiOptions } from './jami.ts';
import { Linphone, type LinphoneOptions } from './linphone.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';
import { Twinkle, type TwinkleOptions } from './twinkle.ts';

/** What is waited for is looked for after a `mark` that was taken before the deed. */
export interface Agent {
  readonly aor: string;
  readonly mark: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  call(uri: string): void | Promise<void>;
  accept(): void;
  reject(): void;
  hangUp(): void;
  /** It rings here. */
  incoming(mark: number): Promise<unknown>;
  /** It rings there. */
  ringing(mark: number): Promise<unknown>;
  established(mark: number): Promise<unknown>;
  ended(mark: number): Promise<unknown>;
  /** It has told of it since `mark`. */
  told(what: RegExp, mark: number): boolean;
}

/** What the phones have in common. */
interface Phone {
  readonly aor: string;
  readonly mark: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

type Deeds = Omit<Agent, 'aor' | 'mark' | 'start' | 'stop' | 'told'>;

/** `output` is what the phone's marks count the lines of. */
const agentOf = (phone: Phone, output: () => Program, deeds: Deeds): Agent => ({
  ...deeds,
  aor: phone.aor,
  get mark() {
    return phone.mark;
  },
  start: () => phone.start(),
  stop: () => phone.stop(),
  told: (what, mark) =>
    output()
      .lines.slice(mark)
      .some((line) => what.test(line)),
});

export function baresipAgent(place: Place, options: BaresipOptions): Agent {
  const phone = new Baresip(place, options);
  return agentOf(phone, () => phone.control, {
    call: (uri) => phone.dial(uri),
    accept: () => phone.accept(),
    reject: () => phone.hangUp(),
    hangUp: () => phone.hangUp(),
    incoming: (mark) => phone.event('CALL_INCOMING', { mark }),
    ringing: (mark) => phone.event('CALL_RINGING', { mark }),
    established: (mark) => phone.event('CALL_ESTABLISHED', { mark }),
    ended: (mark) => phone.event('CALL_CLOSED', { mark }),
  });
}

export function linphoneAgent(place: Place, options: LinphoneOptions): Agent {
  const phone = new Linphone(place, options);
  return agentOf(phone, () => phone.program, {
    call: (uri) => phone.call(uri),
    accept: () => phone.accept(),
    reject: () => phone.hangUp(),
    hangUp: () => phone.hangUp(),
    incoming: (mark) => phone.state('IncomingReceived', { mark }),
    ringing: (mark) => phone.state('OutgoingRinging', { mark }),
    established: (mark) => phone.state('StreamsRunning', { mark }),
    ended: (mark) => phone.state('Released', { mark }),
  });
}

export function twinkleAgent(place: Place, options: TwinkleOptions): Agent {
  const phone = new Twinkle(place, options);
  return agentOf(phone, () => phone.program, {
    call: (uri) => phone.dial(uri),
    accept: () => phone.command('answer'),
    reject: () => phone.command('reject'),
    hangUp: () => phone.command('bye'),
    incoming: (mark) => phone.told(/incoming call/, { mark }),
    ringing: (mark) => phone.told(/received 180/, { mark }),
    established: (mark) => phone.told(/call established|far end answered call/, { mark }),
    ended: (mark) =>
      phone.told(/call ended|far end ended call|call rejected|call failed|cancelled/, { mark }),
  });
}

export function jamiAgent(place: Place, options: JamiOptions): Agent {
  const phone = new Jami(place, options);
  return agentOf(phone, () => phone.program, {
    call: (uri) => phone.call(uri),
    accept: () => phone.command('accept'),
    reject: () => phone.command('refuse'),
    hangUp: () => phone.command('hangUp'),
    incoming: (mark) => phone.state('INCOMING', { mark }),
    ringing: (mark) => phone.state('RINGING', { mark }),
    established: (mark) => phone.state('CURRENT', { mark }),
    ended: (mark) => phone.state('OVER', { mark }),
  });
}

export function browserAgent(place: Place, options: BrowserPhoneOptions): Agent {
  const phone = new BrowserPhone(place, options);
  return agentOf(phone, () => phone.program, {
    call: (uri) => phone.command('call', { uri }),
    accept: () => phone.command('answer'),
    reject: () => phone.command('reject'),
    hangUp: () => phone.command('hangUp'),
    incoming: (mark) => phone.told('incoming', { mark }),
    ringing: (mark) => phone.told('ringing', { mark }),
    established: (mark) => phone.told('established', { mark }),
    ended: (mark) => phone.told('ended|failed', { mark }),
  });
}
