// Says who sent a request: challenges, checks digests, slows guessers, and writes the one line that fail2ban reads.
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { ExtraHeaders, Reply, ServerTransaction, SipRequest } from '../sip/types.ts';
import { canonicalHost } from '../uri/hosts.ts';
import { parseSipUri } from '../uri/parse.ts';
import type { AuthGuard } from './auth-guard.ts';
import { readCredentials } from './credentials.ts';
import {
  algorithmOf,
  type DigestAlgorithm,
  type DigestCredentials,
  formatChallenge,
  responseMatches,
} from './digest.ts';
import { Nonces } from './nonce.ts';
import type { Users } from './users.ts';

export interface AuthenticatorDeps {
  readonly users: Users;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly guard: AuthGuard;
  /** Does a request to this URI come to us? */
  readonly isOurs: (uri: string) => boolean;
}

export interface AuthenticatorOptions {
  /** `none`: everybody is who they say they are (config allows it on loopback, or where the operator insists). */
  readonly mode: 'digest' | 'none';
  /** Challenged in this order (RFC 8760 §2.3: "starting with the most preferred algorithm at the top"). */
  readonly algorithms: readonly DigestAlgorithm[];
  readonly nonceLifetimeSec: number;
  /** Shared by all registrars of a domain: each then accepts the nonces of the others. */
  readonly secret: Uint8Array;
  /** What realms have of their own. BOUNDED: by the configuration. */
  readonly realms?: ReadonlyMap<string, RealmOptions>;
}

/** Of one domain among several (a tenant): what is absent is the common one. */
export interface RealmOptions {
  readonly algorithms?: readonly DigestAlgorithm[];
  readonly secret?: Uint8Array;
}

export interface CheckScope {
  /** The domain whose user this must be: of the To of a REGISTER, of the From of what is forwarded. Canonical. */
  readonly realm: string;
  /** 407 and Proxy-Authorization instead of 401 and Authorization. */
  readonly proxy: boolean;
}

export type AuthOutcome =
  /** `users`: the user parts of the AORs the credentials are for; undefined under mode `none`, which vouches for nobody. */
  | { readonly kind: 'ok'; readonly users: readonly string[] | undefined }
  | { readonly kind: 'challenge'; readonly stale: boolean; readonly reply: Reply };

export interface Authenticator {
  check(transaction: ServerTransaction, scope: CheckScope): AuthOutcome;
}

/** What became of credentials; `why` of the log line. */
type Failure = 'wrong-password' | 'unknown-user' | 'wrong-uri' | 'unknown-algorithm';

/** As long as a real one, so that unknown users cost the same work and time. Nobody has a password that hashes to it. */
const DUMMY_HA1 = { MD5: '0'.repeat(32), 'SHA-256': '0'.repeat(64), 'SHA-512-256': '0'.repeat(64) } as const;

/**
 * RFC 8760 §2.6 (6): "a UAS MUST check if the Request-URI in the Authorization/Proxy-Authorization header field value
 * corresponds to a user for whom the UAS is willing to accept forwarded or direct requests; however, it MAY still
 * accept it if the two fields are not equivalent." Phones differ: some drop parameters or the port, some name the realm
 * where the Request-URI has an address, sipp names the address and port that it sends to. So the hosts must agree, or the
 * host be the realm, or the URI mean this server; the rest may differ.
 */
const uriFits = (
  request: SipRequest,
  credentials: DigestCredentials,
  realm: string,
  isOurs: AuthenticatorDeps['isOurs'],
): boolean => {
  if (credentials.uri === request.uri) return true;
  const [sent, asked] = [parseSipUri(credentials.uri), parseSipUri(request.uri)];
  if (!sent.ok) return false;
  const host = canonicalHost(sent.value.host);
  if (host === realm || (asked.ok && host === canonicalHost(asked.value.host))) return true;
  return isOurs(credentials.uri);
};

export const createAuthenticator = (
  deps: AuthenticatorDeps,
  options: AuthenticatorOptions,
): Authenticator => {
  const { users, clock, log, guard, isOurs } = deps;
  const noncesWith = (secret: Uint8Array): Nonces =>
    new Nonces({ secret, lifetimeSec: options.nonceLifetimeSec, random: deps.random });
  const commonNonces = noncesWith(options.secret);
  // BOUNDED: by the configuration.
  const ownNonces = new Map<string, Nonces>();
  for (const [realm, { secret }] of options.realms ?? [])
    if (secret !== undefined) ownNonces.set(realm, noncesWith(secret));
  const noncesOf = (realm: string): Nonces => ownNonces.get(realm) ?? commonNonces;
  const algorithmsOf = (realm: string): readonly DigestAlgorithm[] =>
    options.realms?.get(realm)?.algorithms ?? options.algorithms;
  const results = deps.metrics.counter('chordial_auth_total', 'Digest checks by result');

  const challenge = (source: string, scope: CheckScope, stale: boolean): AuthOutcome => {
    const { realm, proxy } = scope;
    const nonce = noncesOf(realm).issue({ realm, source }, clock.wallMs());
    // RFC 8760 §2.3: several challenges of one realm "MUST use a different digest algorithm" each.
    const headers: ExtraHeaders = algorithmsOf(realm).map(
      (algorithm) =>
        [
          proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate',
          formatChallenge({ realm, nonce, algorithm, stale }),
        ] as const,
    );
    return { kind: 'challenge', stale, reply: { status: proxy ? 407 : 401, headers } };
  };

  /** Undefined if the credentials are right, else why not. Unknown users and wrong passwords take the same work. */
  const failureOf = (
    request: SipRequest,
    credentials: DigestCredentials,
    realm: string,
  ): { readonly failure: Failure } | { readonly users: readonly string[] } => {
    const algorithm = algorithmOf(credentials);
    if (algorithm === undefined || !algorithmsOf(realm).includes(algorithm))
      return { failure: 'unknown-algorithm' };
    const known = users.find(credentials.username, realm);
    const ha1 = known?.ha1(algorithm);
    const right = responseMatches(algorithm, ha1 ?? DUMMY_HA1[algorithm], request.method, credentials);
    if (known === undefined || ha1 === undefined) return { failure: 'unknown-user' };
    if (!right) return { failure: 'wrong-password' };
    return uriFits(request, credentials, realm, isOurs) ? { users: known.users } : { failure: 'wrong-uri' };
  };

  return {
    check(transaction, scope) {
      if (options.mode === 'none') return { kind: 'ok', users: undefined };
      const { request, flow } = transaction;
      const source = flow.remote.host;
      const { realm } = scope;
      const credentials = readCredentials(
        request,
        scope.proxy ? 'proxy-authorization' : 'authorization',
        realm,
        algorithmsOf(realm),
      );
      if (credentials === undefined) {
        results.add({ result: 'challenged' });
        return challenge(source, scope, false);
      }
      const attempt = { source, user: credentials.username };
      const verdict = noncesOf(realm).judge(credentials.nonce, { realm, source }, clock.wallMs());
      if (verdict === 'foreign') {
        // RFC 7616 §3.3: stale=true says that "the previous request from the client was rejected because the nonce
        // value was stale", and that the password need not be asked for again: phones read a plain 401 as a wrong one.
        // Whoever sends a nonce that isn't ours may be another than the owner of the address: nothing is counted.
        const right = guard.mayLookAtForeign(attempt) && 'users' in failureOf(request, credentials, realm);
        results.add({ result: right ? 'stale' : 'foreign-nonce' });
        return challenge(source, scope, right);
      }
      if (guard.ask(attempt) === 'slowed') {
        results.add({ result: 'slowed' });
        return challenge(source, scope, false);
      }
      const result = failureOf(request, credentials, realm);
      if ('users' in result) {
        guard.succeeded(attempt);
        results.add({ result: verdict === 'good' ? 'ok' : 'stale' });
        // nc is not tracked: it would be state that no other registrar of the domain has, and a retransmission through
        // one of them would fail. A nonce lives for minutes and is good from one address only, and Call-ID and CSeq
        // order what a replay of the same REGISTER could do.
        return verdict === 'good' ? { kind: 'ok', users: result.users } : challenge(source, scope, true);
      }
      results.add({ result: 'failed' });
      // docs/operations.md, "Failed authentications": fail2ban and others read this line. Its keys stay.
      log.warn(
        {
          src: source,
          transport: flow.transport,
          method: request.method,
          user: credentials.username.slice(0, 128),
          realm,
          callId: request.callId.slice(0, 128),
          why: result.failure,
        },
        'authentication failed',
      );
      const banned = guard.failed(attempt);
      if (banned !== undefined) log.warn({ src: source, forSec: guard.bans.forSec, banned }, 'source banned');
      return challenge(source, scope, false);
    },
  };
};
