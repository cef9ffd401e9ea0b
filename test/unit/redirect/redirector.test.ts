// The redirector on fakes: what a lookup ends in, who is forwarded for, what is never challenged.
import { describe, expect, test } from 'vitest';
import type { AuthOutcome, CheckScope } from '../../../src/auth/authenticator.ts';
import { FlowTokens } from '../../../src/auth/flow-token.ts';
import type { Binding, QueryResult } from '../../../src/location/types.ts';
import { Redirector } from '../../../src/redirect/redirector.ts';
import type { ForwardPlan } from '../../../src/redirect/route-decision.ts';
import type { LogFields } from '../../../src/runtime/log.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { createSelf } from '../../../src/uri/self.ts';
import { FakeFlow, FakeTransaction } from '../../support/forward-fakes.ts';
import { type GivenRequest, requestOf } from '../../support/forward-messages.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const self = createSelf({
  domains: ['biloxi.com'],
  aliases: [],
  listeners: [{ bound: { host: '192.0.2.1', port: 5060 }, advertised: { host: '192.0.2.1', port: 5060 } }],
});
const tokens = new FlowTokens(Buffer.from('secret'));

const binding = (contact: string, more: Partial<Binding> = {}): Binding => ({
  contact,
  canonicalContact: contact,
  params: [],
  path: [],
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  ...more,
});

interface Given extends GivenRequest {
  readonly found?: QueryResult;
  readonly auth?: AuthOutcome;
  readonly source?: string;
  /** The source is a trusted peer of every domain. */
  readonly peer?: boolean;
  /** What the forwarder remembers: it takes everything for a retransmission. */
  readonly known?: boolean;
  /** sip.auth.hideUsers: everybody is taken for a user. */
  readonly hidden?: boolean;
  /** CANCEL comes while the lookup runs. */
  readonly cancelled?: boolean;
}

const serve = async (given: Given, as: 'handle' | 'handleAck' | 'handleCancel' = 'handle') => {
  const clock = new ManualClock();
  const queries: string[] = [];
  const forwarded: ForwardPlan[] = [];
  const checks: CheckScope[] = [];
  const lines: LogFields[] = [];
  const transaction = new FakeTransaction(
    requestOf(given),
    new FakeFlow('udp', { host: given.source ?? '192.0.2.50', port: 5070 }),
  );
  const redirector = new Redirector({
    clock,
    random: { bytes: (count) => new Uint8Array(count), float: () => 0.5 },
    log: { ...silentLog, info: (fields) => lines.push(fields) },
    location: {
      query: async ({ user, domain }) => {
        queries.push(`${user}@${domain}`);
        clock.advance(20);
        if (given.cancelled === true) transaction.cancelled = true;
        return given.found ?? { kind: 'none' };
      },
    },
    forwarder: {
      again: (taken) => {
        if (given.known === true) taken.release();
        return given.known === true;
      },
      forward: async (taken, plan) => {
        forwarded.push(plan);
        taken.release();
        return { kind: 'sent', hop: { transport: 'udp', host: '192.0.2.7', port: 5060 } };
      },
    },
    authenticator: {
      check: (_, scope) => {
        checks.push(scope);
        return given.auth ?? { kind: 'ok', users: ['alice'] };
      },
    },
    tokens,
    self,
    userFor: (name) => (name.user === 'nobody' && given.hidden !== true ? undefined : name),
    isPeer: () => given.peer === true,
    unmet: () => undefined,
  });
  await redirector[as](transaction);
  return { transaction, queries, forwarded, checks, lines };
};

const found = (...bindings: readonly Binding[]): QueryResult => ({ kind: 'found', bindings });
const OURS = { uri: 'sip:bob@biloxi.com' } as const;
const FOREIGN = { uri: 'sip:bob@example.com' } as const;
const CONTACT = { uri: 'sip:bob@127.0.0.1:35120;transport=udp' } as const;

describe('a redirect server (RFC 3261 §8.3)', () => {
  test('"populates the list of (one or more) alternative locations into the Contact header field"', async () => {
    const { transaction } = await serve({
      ...OURS,
      found: found(
        binding('sip:bob@192.0.2.4:5062', { q: 0.5 }),
        binding('sip:bob@192.0.2.5:5064;ob', { q: 0.9, params: [{ name: 'methods', value: '"INVITE"' }] }),
      ),
    });
    expect(transaction.status).toBe(302);
    expect(transaction.values('Contact')).toEqual([
      '<sip:bob@192.0.2.5:5064;ob>;q=0.9',
      '<sip:bob@192.0.2.4:5062>;q=0.5',
    ]);
  });

  test('"MUST NOT redirect a request to a URI equal to the one in the Request-URI", but may refuse it', async () => {
    const { transaction } = await serve({ ...FOREIGN, found: found(binding('sip:bob@example.com')) });
    expect(transaction.status).toBe(480);
  });

  test('needs no credentials to redirect', async () => {
    const { transaction, checks } = await serve({
      ...OURS,
      from: '<sip:eve@evil.example>;tag=e',
      found: found(binding('sip:bob@192.0.2.4')),
    });
    expect(transaction.status).toBe(302);
    expect(checks).toEqual([]);
  });

  test('redirects to users of other domains that the Location Service knows', async () => {
    const { transaction, queries } = await serve({ ...FOREIGN, found: found(binding('sip:bob@192.0.2.4')) });
    expect(queries).toEqual(['bob@example.com']);
    expect(transaction.values('Contact')).toEqual(['<sip:bob@192.0.2.4>']);
  });

  test('"MUST ignore … even method names": any method is redirected', async () => {
    const { transaction } = await serve({
      ...OURS,
      method: 'MESSAGE',
      found: found(binding('sip:bob@192.0.2.4')),
    });
    expect(transaction.status).toBe(302);
  });
});

describe('what a lookup ends in', () => {
  test.each<[string, Given, number]>([
    ['an unknown user of ours', { uri: 'sip:nobody@biloxi.com' }, 404],
    ['a user who is not registered', { ...OURS, found: { kind: 'none' } }, 480],
    [
      'a user with no contact to name',
      { ...OURS, found: found(binding('sip:x@a.invalid;transport=ws')) },
      480,
    ],
    ['the overlay lost', { ...OURS, found: { kind: 'unavailable', reason: 'cut off' } }, 503],
    [
      'the overlay lost, for another domain',
      { ...FOREIGN, found: { kind: 'unavailable', reason: 'cut off' } },
      503,
    ],
    ['a lookup that timed out', { ...OURS, found: { kind: 'timeout' } }, 504],
    ['an unreadable Route', { ...OURS, rows: ['Route: <sip:'] }, 400],
  ])('%s', async (_, given, status) => {
    expect((await serve(given)).transaction.status).toBe(status);
  });

  test('an unknown user of ours costs no lookup', async () => {
    expect((await serve({ uri: 'sip:nobody@biloxi.com' })).queries).toEqual([]);
  });

  test('the overlay lost: 503 says when to come back', async () => {
    const { transaction } = await serve({ ...OURS, found: { kind: 'unavailable', reason: 'cut off' } });
    expect(Number(transaction.values('Retry-After')[0])).toBeGreaterThan(0);
  });

  test('a call that was cancelled meanwhile gets no answer of the lookup', async () => {
    const { transaction } = await serve({
      ...OURS,
      cancelled: true,
      found: found(binding('sip:bob@192.0.2.4')),
    });
    expect(transaction.replies).toEqual([]);
  });

  test('a call leaves one line with Call-ID, AOR, source, code, why and ms', async () => {
    const { lines } = await serve({ ...OURS, found: found(binding('sip:bob@192.0.2.4')) });
    expect(lines).toEqual([
      {
        method: 'INVITE',
        callId: 'call-1',
        aor: 'sip:bob@biloxi.com',
        src: '192.0.2.50:5070',
        transport: 'udp',
        code: 302,
        why: '1 of 1 contacts',
        ms: 20,
      },
    ]);
  });

  test('what a stranger sent is cut in that line', async () => {
    const { lines } = await serve({ uri: `sip:${'x'.repeat(500)}@biloxi.com` });
    expect(lines.map(({ aor }) => String(aor).length)).toEqual([128]);
  });
});

describe('who is forwarded for', () => {
  test('a user of ours with the right password', async () => {
    const { transaction, forwarded, checks } = await serve(CONTACT);
    expect(checks).toEqual([{ realm: 'biloxi.com', proxy: true }]);
    expect(forwarded).toEqual([{ uri: CONTACT.uri, routes: [] }]);
    expect(transaction.status).toBe('released');
  });

  test('a user of ours, to a foreign name that the Location Service does not know', async () => {
    const { forwarded, queries } = await serve(FOREIGN);
    expect(queries).toEqual(['bob@example.com']);
    expect(forwarded).toEqual([{ uri: FOREIGN.uri, routes: [] }]);
  });

  test('a user of ours without a password yet is asked for it', async () => {
    const reply = { status: 407, headers: [['Proxy-Authenticate', 'Digest x']] } as const;
    const { transaction, forwarded } = await serve({
      ...CONTACT,
      auth: { kind: 'challenge', stale: false, reply },
    });
    expect(transaction.status).toBe(407);
    expect(forwarded).toEqual([]);
  });

  test.each<[string, Given]>([
    ['a stranger', { from: '<sip:eve@evil.example>;tag=e' }],
    ['a stranger without a user name', { from: '<sip:biloxi.com>;tag=e' }],
    ['somebody anonymous', { from: '<sip:anonymous@anonymous.invalid>;tag=e' }],
    ['a user of ours who claims to be another', { from: '<sip:carol@biloxi.com>;tag=c' }],
    ['without passwords, another machine', { auth: { kind: 'ok', users: undefined }, source: '203.0.113.9' }],
  ])('not %s: 403', async (_, given) => {
    const { transaction, forwarded } = await serve({ ...CONTACT, ...given });
    expect(transaction.status).toBe(403);
    expect(forwarded).toEqual([]);
  });

  test.each(['127.0.0.1', '127.5.6.7', '::1', '::ffff:127.0.0.1'])(
    'without passwords, this machine (%s)',
    async (source) => {
      const { forwarded } = await serve({ ...CONTACT, auth: { kind: 'ok', users: undefined }, source });
      expect(forwarded).toHaveLength(1);
    },
  );

  test('a peer that we trust, for a user of ours, unasked', async () => {
    const { forwarded, checks } = await serve({ ...CONTACT, peer: true });
    expect(forwarded).toHaveLength(1);
    expect(checks).toEqual([]);
  });

  test('not a peer for somebody who is no user of ours', async () => {
    const { transaction } = await serve({ ...CONTACT, peer: true, from: '<sip:eve@evil.example>;tag=e' });
    expect(transaction.status).toBe(403);
  });

  test('a stranger hears in words what a 403 is for', async () => {
    const { transaction } = await serve({ ...CONTACT, from: '<sip:eve@evil.example>;tag=e' });
    expect(transaction.replies.at(-1)?.headers).toEqual([
      [
        'Warning',
        `399 chordial "hosts 127.0.0.1 and evil.example (From) aren't domains or aliases of mine: requests are forwarded for users of this registrar only"`,
      ],
    ]);
  });

  test('a stranger is not even challenged: he learns nothing of our users', async () => {
    const { checks } = await serve({ ...CONTACT, from: '<sip:eve@evil.example>;tag=e' });
    expect(checks).toEqual([]);
  });

  test('a name outside ASCII is the same in the URI and in the user file', async () => {
    const { forwarded } = await serve({
      ...CONTACT,
      from: '<sip:j%C3%BCrgen@biloxi.com>;tag=j',
      auth: { kind: 'ok', users: ['jürgen'] },
    });
    expect(forwarded).toHaveLength(1);
  });

  test('whoever shows our token, unasked', async () => {
    const token = tokens.sign({ callId: 'call-1', callerTag: 'a1' }, new ManualClock().wallMs());
    const { forwarded, checks } = await serve({
      ...CONTACT,
      method: 'BYE',
      from: '<sip:bob@example.com>;tag=b1',
      to: '<sip:alice@biloxi.com>;tag=a1',
      rows: [`Route: <sip:${token}@192.0.2.1:5060;lr>`],
    });
    expect(forwarded).toHaveLength(1);
    expect(checks).toEqual([]);
  });

  test('a retransmission of what was forwarded, unasked', async () => {
    const { transaction, checks, queries } = await serve({ ...CONTACT, known: true });
    expect(transaction.status).toBe('released');
    expect([checks, queries]).toEqual([[], []]);
  });
});

describe('ACK and CANCEL are never challenged (RFC 3261 §22.1)', () => {
  test('an ACK without a token goes no further', async () => {
    const { transaction, forwarded, checks } = await serve({ ...CONTACT, method: 'ACK' }, 'handleAck');
    expect([transaction.status, forwarded, checks]).toEqual(['nothing', [], []]);
  });

  test('an ACK for a user of ours is not looked up', async () => {
    expect((await serve({ ...OURS, method: 'ACK' }, 'handleAck')).queries).toEqual([]);
  });

  test('an ACK with our token goes on', async () => {
    const token = tokens.sign({ callId: 'call-1', callerTag: 'a1' }, new ManualClock().wallMs());
    const { forwarded } = await serve(
      {
        ...CONTACT,
        method: 'ACK',
        to: '<sip:bob@example.com>;tag=b1',
        rows: [`Route: <sip:${token}@192.0.2.1;lr>`],
      },
      'handleAck',
    );
    expect(forwarded).toHaveLength(1);
  });

  test.each(['handleAck', 'handleCancel'] as const)(
    '%s of what was forwarded goes the same way',
    async (as) => {
      const { transaction, forwarded } = await serve({ ...CONTACT, known: true }, as);
      expect([transaction.status, forwarded]).toEqual(['released', []]);
    },
  );

  test('a CANCEL for nothing is left to the server, which says 481', async () => {
    const { transaction, forwarded } = await serve({ ...CONTACT, method: 'CANCEL' }, 'handleCancel');
    expect([transaction.status, forwarded]).toEqual(['nothing', []]);
  });
});

describe('where users are hidden', () => {
  test.each(['INVITE', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH', 'REFER', 'BYE'])(
    '%s for nobody takes the calls that one for an unregistered user takes, and has its answer',
    async (method) => {
      const ask = async (user: string, hidden: boolean) => {
        const { transaction, queries, forwarded, checks } = await serve({
          method,
          uri: `sip:${user}@biloxi.com`,
          hidden,
        });
        return {
          status: transaction.status,
          replies: transaction.replies,
          queries: queries.length,
          forwarded,
          checks,
        };
      };
      expect(await ask('nobody', true)).toEqual(await ask('bob', true));
      if (method === 'INVITE') expect(await ask('nobody', true)).not.toEqual(await ask('nobody', false));
    },
  );
});
