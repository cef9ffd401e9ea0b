// Whether this server does its work, decided from what its parts say.
import type { Readiness } from './types.ts';

export interface ReadinessParts {
  readonly listening: boolean;
  /** SIGTERM came: no new work, others take over. */
  readonly draining: boolean;
  /** Undefined in local mode, where nothing is asked of a ring. */
  readonly overlay?: {
    readonly joined: boolean;
    /** What the canary says is wrong; undefined when it is well. */
    readonly canary: string | undefined;
  };
}

/** DESIGN §3: listening, joined, and a canary publication read back through the overlay; in local mode: listening. */
export const readiness = ({ listening, draining, overlay }: ReadinessParts): Readiness => {
  const reasons: string[] = [];
  if (draining) reasons.push('shutting down');
  if (!listening) reasons.push('the SIP listeners are not open');
  if (overlay !== undefined) {
    if (!overlay.joined) reasons.push('not joined to the overlay');
    else if (overlay.canary !== undefined) reasons.push(overlay.canary);
  }
  return { ready: reasons.length === 0, reasons };
};
