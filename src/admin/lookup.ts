// The look-up that the admin server offers: a URI in, what the Location Service holds for it out.
import type { Binding, LocationService } from '../location/types.ts';
import type { Clock } from '../runtime/clock.ts';
import { ok, type Result } from '../runtime/result.ts';
import { aorOf, locationName } from '../uri/name.ts';
import type { AdminBinding, AdminLookup } from './types.ts';

/** A binding as the API and `chordial lookup --json` show it. */
export const adminBinding = (binding: Binding, nowMs: number): AdminBinding => ({
  contact: binding.contact,
  q: binding.q ?? null,
  expiresSec: Math.max(0, Math.ceil((binding.expiresAtMs - nowMs) / 1000)),
  instance: binding.instance ?? null,
  regId: binding.regId ?? null,
  params: binding.params,
  path: binding.path,
  userAgent: binding.userAgent ?? null,
});

/** Answers `/api/v1/lookup`; the error is the reason why `uri` names nobody. */
export const createLookup =
  (deps: { readonly location: Pick<LocationService, 'query'>; readonly clock: Clock }) =>
  async (uri: string): Promise<Result<AdminLookup>> => {
    const name = locationName(uri);
    if (!name.ok) return name;
    const startedMs = deps.clock.monoMs();
    const outcome = await deps.location.query(name.value);
    const nowMs = deps.clock.wallMs();
    const bindings: readonly AdminBinding[] =
      outcome.kind !== 'found' ? [] : outcome.bindings.map((binding) => adminBinding(binding, nowMs));
    return ok({
      uri,
      name: aorOf(name.value),
      result: outcome.kind,
      reason: outcome.kind === 'unavailable' ? outcome.reason : null,
      tookMs: Math.round(deps.clock.monoMs() - startedMs),
      bindings,
    });
  };
