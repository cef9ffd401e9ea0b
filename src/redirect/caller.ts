// Whether a request that shall be forwarded comes from a user of ours (DESIGN §7): nobody else uses us as a relay.
import type { Authenticator } from '../auth/authenticator.ts';
import type { Reply, ServerTransaction } from '../sip/types.ts';
import { isLoopback } from '../uri/hosts.ts';
import { sipLocationName } from '../uri/name.ts';
import { parseSipUri } from '../uri/parse.ts';
import { ownDomain, type Self } from '../uri/self.ts';

export type CallerVerdict =
  | { readonly kind: 'ours' }
  /** A stranger, a user who must show a password first, or one who claims to be another. */
  | { readonly kind: 'refused'; readonly reply: Reply; readonly why: string };

export interface CallerDeps {
  readonly self: Self;
  readonly authenticator: Authenticator;
}

const forbidden = (why: string): CallerVerdict => ({ kind: 'refused', reply: { status: 403 }, why });

export const checkCaller = (
  transaction: ServerTransaction,
  { self, authenticator }: CallerDeps,
): CallerVerdict => {
  const from = parseSipUri(transaction.request.from.uri);
  const realm = from.ok ? ownDomain(from.value, self) : undefined;
  const name = from.ok ? sipLocationName(from.value) : from;
  // Before any challenge: a stranger learns nothing about our users, and his guesses cost nothing.
  if (realm === undefined || !name.ok) return forbidden('the caller is no user of ours');
  const outcome = authenticator.check(transaction, { realm, proxy: true });
  if (outcome.kind !== 'ok') return { kind: 'refused', reply: outcome.reply, why: outcome.kind };
  // Without passwords a From proves nothing: what vouches for it then is that it comes from this machine.
  if (outcome.user === undefined)
    return isLoopback(transaction.flow.remote.host)
      ? { kind: 'ours' }
      : forbidden('without passwords only this machine is forwarded for');
  return outcome.user === name.value.user
    ? { kind: 'ours' }
    : forbidden('the caller is another user than the password is for');
};
