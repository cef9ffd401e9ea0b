import { afterAll, beforeAll, test } from 'vitest';
import { Baresip } from './support/baresip.ts';
import { Linphone } from './support/linphone.ts';
import { account, openScene, type Scene, started } from './support/scene.ts';
import { firstRequest, requestsOf } from './support/sip-trace.ts';

/** Phones register anew after nine tenths of it: three times is more than a minute. */
const EXPIRES_SEC = 25;
const REFRESHES = 3;
const REFRESH_DEADLINE_MS = 40_000;
/** What the forwarder must remember for longer than the 32 s of a transaction. */
const RINGS_MS = 60_000;

interface Case {
  readonly name: string;
  readonly caller: string;
  readonly callee: string;
  /** Of the phones' addresses or ports: each pair has its own. */
  readonly number: number;
  readonly phones: 'baresip' | 'linphone';
  readonly transport: 'udp' | 'tcp';
}

const CASES: readonly Case[] = [
  {
    name: 'baresip over udp',
    caller: 'alice',
    callee: 'bob',
    number: 1,
    phones: 'baresip',
    transport: 'udp',
  },
  { name: 'baresip over tcp', caller: 'anna', callee: 'ben', number: 2, phones: 'baresip', transport: 'tcp' },
  {
    name: 'linphone over udp',
    caller: 'adam',
    callee: 'bill',
    number: 3,
    phones: 'linphone',
    transport: 'udp',
  },
];

let scene: Scene;

beforeAll(async () => {
  scene = await openScene(
    {
      atlanta: CASES.map(({ caller }) => caller),
      biloxi: CASES.map(({ callee }) => callee),
      chicago: [],
    },
    { registrar: { minExpiresSec: EXPIRES_SEC } },
  );
});

afterAll(() => scene?.close());

/** A phone that calls, rings and hangs up, whichever it is. */
interface Ringer {
  readonly phone: Baresip | Linphone;
  call(uri: string): void;
  rings(): Promise<unknown>;
  isCalled(): Promise<unknown>;
  isFree(): Promise<unknown>;
}

function ringer(one: Case, side: 'caller' | 'callee'): Ringer {
  const { place, atlanta, biloxi } = scene;
  const caller = side === 'caller';
  const { transport, number } = one;
  const common = {
    ...account(one[side], caller ? atlanta : biloxi),
    transport,
    expiresSec: EXPIRES_SEC,
    answers: 'manual',
    ...(caller ? { outbound: `sip:atlanta.example;transport=${transport};lr` } : {}),
  } as const;
  const place100 = 100 + 2 * number + (caller ? 0 : 1);
  if (one.phones === 'baresip') {
    const phone = new Baresip(place, { ...common, address: `10.1.0.${place100}`, port: 6000 });
    return {
      phone,
      call: (uri) => phone.dial(uri),
      rings: () => phone.event('CALL_RINGING'),
      isCalled: () => phone.event('CALL_INCOMING'),
      isFree: () => phone.event('CALL_CLOSED'),
    };
  }
  const phone = new Linphone(place, { ...common, port: 100 * place100 });
  return {
    phone,
    call: (uri) => phone.call(uri),
    rings: () => phone.state('OutgoingRinging'),
    isCalled: () => phone.state('IncomingReceived'),
    isFree: () => phone.state('Released'),
  };
}

test.concurrent.for(CASES)(
  '$name: the CANCEL of a call that rang for a minute, while the callee registered anew, reaches the callee',
  async (one, { expect, onTestFinished }) => {
    const callee = ringer(one, 'callee');
    const caller = ringer(one, 'caller');
    await started(callee.phone, onTestFinished);
    await started(caller.phone, onTestFinished);
    caller.call(callee.phone.aor);
    await Promise.all([callee.isCalled(), caller.rings()]);
    const sinceMs = performance.now();
    for (let refresh = 0; refresh < REFRESHES; refresh += 1)
      await callee.phone.registered({ mark: callee.phone.mark, deadlineMs: REFRESH_DEADLINE_MS });
    expect(performance.now() - sinceMs).toBeGreaterThan(RINGS_MS);
    expect(requestsOf(callee.phone.program, 'CANCEL')).toEqual([]);

    caller.phone.hangUp();

    await Promise.all([callee.isFree(), caller.isFree()]);
    const cancel = await firstRequest(callee.phone.program, 'CANCEL');
    expect(cancel.header('Via')[0]).toContain('10.1.0.10');
  },
);
