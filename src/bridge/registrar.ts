// The registrar: a REGISTER in, a publication out, and a 200 that says what the Location Service now holds.
import type { Authenticator } from '../auth/authenticator.ts';
import type { LocationService, PublishResult } from '../location/types.ts';
import type { Clock } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import { unreachable } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { jittered, type Random } from '../runtime/random.ts';
import type { ExtraHeaders, MethodHandler, Reply, ServerTransaction } from '../sip/types.ts';
import { aorOf } from '../uri/name.ts';
import type { Self } from '../uri/self.ts';
import type { LocationName } from '../uri/types.ts';
import { bindingKey } from './contact-change.ts';
import { contactHeaders } from './contact-list.ts';
import { readParts } from './register-parts.ts';
import { planRegister, type RegisterLimits, type RegisterPlan, registerTarget } from './register-plan.ts';

export interface RegistrarDeps {
  readonly authenticator: Authenticator;
  readonly location: LocationService;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface RegistrarOptions {
  readonly self: Self;
  /** The name whose bindings these are: another one than `name` where that is an alias. */
  readonly nameFor: (name: LocationName) => LocationName;
  /** The limits of one of our domains. */
  readonly limitsOf: (domain: string) => RegisterLimits;
}

/** An answer, and why it is that one (for the log; empty for a plain success). */
interface Answer {
  readonly reply: Reply;
  readonly why: string;
  readonly aor?: string;
}

/** Middle of the time after which a phone tries again, ± half: phones that were turned away together come back apart. */
const RETRY_AFTER_SEC = 10;
const LOGGED_CHARS_MAX = 128;

/** Nothing is kept after the answer: the returned handler holds no table, and any registrar can take the next REGISTER. */
export const createRegistrar = (deps: RegistrarDeps, options: RegistrarOptions): MethodHandler => {
  const { clock, location, log } = deps;

  // Promise 1 (DESIGN §1): a fault of ours is a 503 with a Retry-After, never a 404 or 480, which phones obey for good.
  const unavailable = (why: string): Answer => ({
    reply: {
      status: 503,
      headers: [['Retry-After', String(Math.round(jittered(deps.random, RETRY_AFTER_SEC)))]],
    },
    why,
  });

  const success = (
    transaction: ServerTransaction,
    stored: { readonly bindings: Parameters<typeof contactHeaders>[0]; readonly plan: RegisterPlan },
    path: readonly string[],
  ): Answer => {
    const nowMs = clock.wallMs();
    const { plan } = stored;
    const changes = plan.kind === 'publication' && plan.changes !== 'all' ? plan.changes : [];
    const headers: ExtraHeaders = [
      ...contactHeaders(stored.bindings, {
        nowMs,
        granted: new Map(changes.map((change) => [bindingKey(change), change.expiresSec])),
        datagram: transaction.flow.transport === 'udp',
      }),
      // RFC 3327 §5.3: "The registrar copies the Path header field values into a Path header field in the successful
      // (200 class) REGISTER response."
      ...(changes.length === 0 ? [] : path.map((value) => ['Path', value] as const)),
      // §10.3 step 8: "The response SHOULD include a Date header field."
      ['Date', new Date(nowMs).toUTCString()],
    ];
    return { reply: { status: 200, headers }, why: '' };
  };

  const serve = async (transaction: ServerTransaction): Promise<Answer> => {
    const { request } = transaction;
    // The realm is the AOR's domain, so whom it is about is known before who asks.
    const target = registerTarget(request.uri, request.to, options.self);
    if (!target.ok) return rejected(target.error);
    const name = options.nameFor(target.value);
    const answer = await serveName(transaction, name);
    return { ...answer, aor: aorOf(name) };
  };

  const serveName = async (transaction: ServerTransaction, name: LocationName): Promise<Answer> => {
    const { request } = transaction;
    const auth = deps.authenticator.check(transaction, { realm: name.domain, proxy: false });
    if (auth.kind !== 'ok') {
      return { reply: auth.reply, why: auth.stale ? 'stale nonce' : 'challenge' };
    }
    const parts = readParts(request);
    if (!parts.ok) return { reply: { status: 400, reason: parts.error }, why: parts.error };
    const plan = planRegister(parts.value, {
      name,
      users: auth.users,
      limits: options.limitsOf(name.domain),
      self: options.self,
    });
    switch (plan.kind) {
      case 'rejection':
        return rejected(plan);
      case 'query': {
        const found = await location.query(name);
        if (found.kind === 'unavailable') return unavailable(found.reason);
        if (found.kind === 'timeout') return unavailable('the query timed out');
        const bindings = found.kind === 'found' ? found.bindings : [];
        return success(transaction, { bindings, plan }, []);
      }
      case 'publication': {
        const result = await location.publish({
          name,
          series: request.callId,
          seq: request.cseq.seq,
          changes: plan.changes,
        });
        return result.kind === 'stored'
          ? success(transaction, { bindings: result.bindings, plan }, parts.value.path)
          : notStored(result);
      }
      default:
        return unreachable(plan);
    }
  };

  const notStored = (result: Exclude<PublishResult, { readonly kind: 'stored' }>): Answer => {
    switch (result.kind) {
      case 'stale':
        // §10.3 step 7: "If the value is higher than that of the existing binding, it MUST update or remove the binding
        // as above. If not, the update MUST be aborted and the request fails" — with a 500, as commits that fail do.
        return {
          reply: { status: 500, reason: 'A Later REGISTER Of This Call-ID Came Before' },
          why: 'stale',
        };
      case 'refused':
        return {
          reply: {
            status: result.cause === 'too-large' ? 400 : 403,
            reason:
              result.cause === 'too-large'
                ? 'Contact Too Long To Be Published'
                : result.cause === 'quota'
                  ? 'Too Many Bindings'
                  : 'Not Published',
          },
          why: result.reason,
        };
      case 'unavailable':
        return unavailable(result.reason);
      default:
        return unreachable(result);
    }
  };

  return async (transaction) => {
    const { request, flow } = transaction;
    const startedMs = clock.monoMs();
    const { reply, why, aor } = await serve(transaction);
    // The pending table answers at the deadline of a REGISTER; what comes later was not heard.
    const late = transaction.done;
    if (!late) transaction.reply(reply);
    log.info(
      {
        callId: request.callId.slice(0, LOGGED_CHARS_MAX),
        aor: (aor ?? request.to.uri).slice(0, LOGGED_CHARS_MAX),
        src: formatEndpoint(flow.remote),
        transport: flow.transport,
        code: reply.status,
        why: late ? `answered too late${why === '' ? '' : `: ${why}`}` : why,
        ms: Math.round(clock.monoMs() - startedMs),
      },
      'register',
    );
  };
};

const rejected = ({
  status,
  reason,
  headers,
}: {
  readonly status: number;
  readonly reason: string;
  readonly headers: ExtraHeaders;
}): Answer => ({ reply: { status, reason, headers }, why: reason });
