// Registrars of one domain around one fake ring, each with a clock of its own.

import { Publisher } from '../../src/location/publisher.ts';
import type { PublishResult, QueryResult } from '../../src/location/types.ts';
import { DomainKeys } from '../../src/record/domain-keys.ts';
import { RECORD_LIMITS } from '../../src/record/limits.ts';
import { RecordStore } from '../../src/record/store.ts';
import { EntryVerifier } from '../../src/record/verify.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { ManualClock } from './manual-clock.ts';
import { countingRandom, OVERLAY, registrar, TENANT, trust } from './record-world.ts';

/** A clock whose wall time is off by `offMs`. */
export const skewed = (clock: Clock, offMs: number): Clock => ({
  monoMs: () => clock.monoMs(),
  wallMs: () => clock.wallMs() + offMs,
  setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
});

export const registrarParts = (
  options: { selector?: number; offMs?: number; clock?: ManualClock; tenant?: boolean } = {},
) => {
  const manual = options.clock ?? new ManualClock();
  const clock = skewed(manual, options.offMs ?? 0);
  const verifier = new EntryVerifier({ keys: new DomainKeys({ trust }), overlayId: OVERLAY });
  const identity = registrar(options.selector ?? 0);
  const limits = RECORD_LIMITS;
  const random = countingRandom;
  const publisher = new Publisher({
    identity,
    domains: options.tenant === true ? ['biloxi.com', TENANT.domain] : ['biloxi.com'],
    tenants: options.tenant === true ? [TENANT] : [],
    overlayId: OVERLAY,
    verifier,
    limits,
    clock,
    random,
  });
  const store = new RecordStore({ verifier, wallMs: () => clock.wallMs() });
  return { manual, clock, verifier, publisher, store, limits, random };
};

/** The contacts of an answer in their order; undefined for an answer without bindings. */
export const contacts = (result: PublishResult | QueryResult): string[] | undefined =>
  'bindings' in result ? result.bindings.map((binding) => binding.contact) : undefined;

/** Lets everything that is ready run; nothing here waits for real time. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
};
