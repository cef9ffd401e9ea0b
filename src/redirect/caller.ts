// Whether a request may be forwarded (DESIGN §7): for a user of ours who proved it, or a peer we trust. Nobody else uses us as a relay.
import type { Authenticator } from '../auth/authenticator.ts';
import type { Reply, ServerTransaction, SipRequest } from '../sip/types.ts';
import { warning } from '../sip/warning.ts';
import { isLoopback } from '../uri/hosts.ts';
import { sipLocationName } from '../uri/name.ts';
import { parseSipUri } from '../uri/parse.ts';
import { ownDomain, type Self } from '../uri/self.ts';
import type { LocationName } from '../uri/types.ts';

export type CallerVerdict =
  | { readonly kind: 'ours' }
  /** A stranger, a user who must show a password first, or one who claims to be another. */
  | { readonly kind: 'refused'; readonly reply: Reply; readonly why: string };

export interface CallerDeps {
  readonly self: Self;
  readonly authenticator: Authenticator;
  /** The user of ours that is meant, an alias resolved; undefined if there is none. */
  readonly userFor: (name: LocationName) => LocationName | undefined;
  /** Does this domain of ours trust the sender to say who calls? */
  readonly isPeer: (domain: string, flow: ServerTransaction['flow']) => boolean;
}

/** What is known of who wants a request forwarded. */
export interface RelayFacts {
  /** The From, as a name of ours; undefined if its domain isn't. */
  readonly caller: LocationName | undefined;
  /** It came from an address that the caller's domain trusts (`trustedPeers`). */
  readonly peer: boolean;
  /** It came from this machine. */
  readonly local: boolean;
  /** The users that credentials were right for, once they were looked at; `nobody`: no passwords are asked for here. */
  readonly proven: 'not-yet' | 'nobody' | readonly string[];
}

export type RelayVerdict =
  | { readonly kind: 'yes' }
  | { readonly kind: 'ask' }
  | { readonly kind: 'no'; readonly why: string };

const no = (why: string): RelayVerdict => ({ kind: 'no', why });

/** Who may relay. Asked twice: before credentials are looked at, and with what they proved. */
export const mayRelay = ({ caller, peer, local, proven }: RelayFacts): RelayVerdict => {
  // Before any challenge: a stranger learns nothing about our users, and his guesses cost nothing. A peer, too, speaks
  // for users of the domain that trusts it alone: another tenant's, or anybody's, are not its to vouch for.
  if (caller === undefined) return no('the caller is no user of ours');
  if (peer) return { kind: 'yes' };
  if (proven === 'not-yet') return { kind: 'ask' };
  // Without passwords a From proves nothing: what vouches for it then is that it comes from this machine.
  if (proven === 'nobody')
    return local ? { kind: 'yes' } : no('without passwords only this machine is forwarded for');
  return proven.includes(caller.user)
    ? { kind: 'yes' }
    : no('the caller is another user than the password is for');
};

const refused = (why: string): CallerVerdict => ({
  kind: 'refused',
  reply: { status: 403, headers: [warning(why)] },
  why,
});

const HOST_CHARS_SHOWN = 64;

/** What is to be mended, in words: a stranger hears of the hosts that he wrote himself, and of nothing else. */
const strangerIn = (request: SipRequest, self: Self): string => {
  const foreign = (uri: string): string | undefined => {
    const parsed = parseSipUri(uri);
    return parsed.ok && ownDomain(parsed.value, self) === undefined
      ? parsed.value.host.slice(0, HOST_CHARS_SHOWN)
      : undefined;
  };
  const [target, from] = [foreign(request.uri), foreign(request.from.uri)];
  const hosts = [
    ...(target === undefined ? [] : [target]),
    ...(from === undefined ? [] : [`${from} (From)`]),
  ];
  const rule = 'requests are forwarded for users of this registrar only';
  if (hosts.length === 0) return `the From names no user: ${rule}`;
  const none = hosts.length === 1 ? "isn't a domain or alias" : "aren't domains or aliases";
  return `${hosts.length === 1 ? 'host' : 'hosts'} ${hosts.join(' and ')} ${none} of mine: ${rule}`;
};

export const checkCaller = (transaction: ServerTransaction, deps: CallerDeps): CallerVerdict => {
  const { request, flow } = transaction;
  const from = parseSipUri(request.from.uri);
  const domain = from.ok ? ownDomain(from.value, deps.self) : undefined;
  const named = from.ok ? sipLocationName(from.value) : from;
  const name = named.ok && domain !== undefined ? { ...named.value, domain } : undefined;
  const caller = name === undefined ? undefined : (deps.userFor(name) ?? name);
  const facts = {
    caller,
    peer: caller !== undefined && deps.isPeer(caller.domain, flow),
    local: isLoopback(flow.remote.host),
  };
  const verdict = mayRelay({ ...facts, proven: 'not-yet' });
  if (verdict.kind === 'yes') return { kind: 'ours' };
  if (verdict.kind === 'no' || caller === undefined) return refused(strangerIn(request, deps.self));
  const outcome = deps.authenticator.check(transaction, { realm: caller.domain, proxy: true });
  if (outcome.kind !== 'ok') return { kind: 'refused', reply: outcome.reply, why: outcome.kind };
  const proven = mayRelay({ ...facts, proven: outcome.users ?? 'nobody' });
  return proven.kind === 'no' ? refused(proven.why) : { kind: 'ours' };
};
