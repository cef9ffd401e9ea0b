// A registrar of biloxi.com before a Location Service in memory, and REGISTERs to send it.
import type { Authenticator } from '../../src/auth/authenticator.ts';
import type { RegisterLimits } from '../../src/bridge/register-plan.ts';
import { createRegistrar } from '../../src/bridge/registrar.ts';
import { type Log, type LogFields, silentLog } from '../../src/runtime/log.ts';
import type { Reply } from '../../src/sip/types.ts';
import { createSelf } from '../../src/uri/self.ts';
import type { LocationName } from '../../src/uri/types.ts';
import { FakeLocation } from './fake-location.ts';
import { ManualClock } from './manual-clock.ts';
import { type FakeSource, fakeTransaction, headersOf, requestFrom } from './register-transaction.ts';

export interface GivenRegister extends FakeSource {
  readonly uri?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  /** Further header lines, `Contact: …` and the like. */
  readonly headers?: readonly string[];
}

export interface RegisterAnswer {
  readonly status: number;
  readonly reason: string | undefined;
  readonly reply: Reply;
  readonly contacts: readonly string[];
  readonly header: (name: string) => string | undefined;
}

const openDoor: Authenticator = { check: () => ({ kind: 'ok', users: undefined }) };

export const registrarWorld = (
  given: {
    authenticator?: Authenticator;
    limits?: Partial<RegisterLimits>;
    clock?: ManualClock;
    aliases?: (name: LocationName) => LocationName;
  } = {},
) => {
  const clock = given.clock ?? new ManualClock();
  const location = new FakeLocation(clock);
  const lines: { fields: LogFields; message: string }[] = [];
  const log: Log = { ...silentLog, info: (fields, message) => void lines.push({ fields, message }) };
  const handle = createRegistrar(
    {
      authenticator: given.authenticator ?? openDoor,
      location,
      clock,
      random: { bytes: (count) => new Uint8Array(count), float: () => 0.5 },
      log,
    },
    {
      self: createSelf({
        domains: ['biloxi.com', 'second.example'],
        aliases: ['biloxi.net'],
        listeners: [
          { bound: { host: '192.0.2.1', port: 5060 }, advertised: { host: '192.0.2.1', port: 5060 } },
        ],
      }),
      nameFor: (name) => given.aliases?.(name) ?? name,
      limitsOf: () => ({
        minExpiresSec: 60,
        maxExpiresSec: 3600,
        defaultExpiresSec: 3600,
        maxContacts: 10,
        ...given.limits,
      }),
    },
  );
  let cseq = 0;
  const register = async (one: GivenRegister = {}): Promise<RegisterAnswer> => {
    cseq = one.cseq ?? cseq + 1;
    const to = one.to ?? '<sip:bob@biloxi.com>';
    const transaction = fakeTransaction(
      requestFrom([
        `REGISTER ${one.uri ?? 'sip:biloxi.com'} SIP/2.0`,
        `From: ${to};tag=a73kszlfl`,
        `To: ${to}`,
        `Call-ID: ${one.callId ?? '1j9FpLxk3uxtm8tn@biloxi.com'}`,
        `CSeq: ${cseq} REGISTER`,
        ...(one.headers ?? []),
      ]),
      one,
    );
    await handle(transaction);
    const [reply, ...more] = transaction.replies;
    if (reply === undefined || more.length > 0) throw new Error(`${transaction.replies.length} answers`);
    return {
      status: reply.status,
      reason: reply.reason,
      reply,
      contacts: headersOf(reply, 'Contact'),
      header: (name) => headersOf(reply, name)[0],
    };
  };
  return { clock, location, lines, register, handle };
};
