// A forwarded request under any order of events: what its caller hears, what its servers hear, and what is left at the end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FakeFlow } from '../../support/forward-fakes.ts';
import { ForwardWorld, settled, startOf, valuesOf } from '../../support/forward-world.ts';
import { srv, zoneDns } from '../../support/zone-dns.ts';

const URI = 'sip:bob@example.com';
const SERVERS = ['192.0.2.7', '192.0.2.8', '192.0.2.9'] as const;
const TAGGED = '<sip:bob@example.com>;tag=b1';

type Event =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'say'; readonly server: number; readonly status: number }
  | { readonly kind: 'repeat' | 'cancel' };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(100, 600, 2000, 3500, 9000, 33_000, 201_000)
      .map((ms) => ({ kind: 'wait', ms }) as const),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('say' as const),
      server: fc.nat(2),
      status: fc.constantFrom(100, 180, 180, 200, 302, 486, 503, 503, 603),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'repeat' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cancel' } as const) },
);

/** A server as RFC 3261 §17.2 has it: one final answer, repeated when it is asked again; a CANCEL ends its ringing. */
class Server {
  readonly #world: ForwardWorld;
  readonly flow: FakeFlow;
  readonly #method: string;
  #read = 0;
  #askedMs = 0;
  final: number | undefined;
  rang = false;
  acknowledged = false;
  cancelled = false;

  constructor(world: ForwardWorld, host: string, method: string) {
    this.#world = world;
    this.flow = world.flow('udp', host, 5062);
    this.#method = method;
  }

  get asked(): boolean {
    return this.flow.sent.length > 0;
  }

  say(status: number): void {
    if (!this.asked || this.final !== undefined) return;
    // Its first word, and all of them if it does not ring, come while the transaction lasts, or never (RFC 4320 §4.2).
    const lasting = this.rang && this.#method === 'INVITE';
    if (!lasting && this.#world.clock.monoMs() - this.#askedMs > 30_000) return;
    if (status < 200) this.rang = true;
    else this.final = status;
    this.#answer(status);
  }

  #answer(status: number, cseqMethod = this.#method): void {
    const sent = this.flow.sent.find((text) => text.startsWith(`${cseqMethod} `));
    this.#world.answer(sent, status, { cseqMethod, to: TAGGED }, this.flow);
  }

  /** Takes what came since it last looked. */
  look(): void {
    while (this.#read < this.flow.sent.length) {
      if (this.#read === 0) this.#askedMs = this.#world.clock.monoMs();
      const [method = ''] = (this.flow.sent[this.#read] ?? '').split(' ', 1);
      this.#read += 1;
      if (method === 'ACK') this.acknowledged = true;
      else if (method === 'CANCEL') {
        const first = !this.cancelled;
        this.cancelled = true;
        this.#answer(200, 'CANCEL');
        if (first) this.say(487);
      } else if (this.final !== undefined && this.#read > 1) this.#answer(this.final);
    }
  }
}

const run = async (method: string, events: readonly Event[]) => {
  const world = new ForwardWorld({
    dns: zoneDns({
      srv: { '_sip._udp.example.com': SERVERS.map((_, n) => srv(`${n} 0 5062 s${n}.example`)) },
      a: Object.fromEntries(SERVERS.map((host, n) => [`s${n}.example`, [host]])),
    }),
  });
  await world.forward({ uri: URI, method });
  const servers = SERVERS.map((host) => new Server(world, host, method));
  let acknowledged = 0;
  const said = (): number => [...world.flows.values()].reduce((sum, { sent }) => sum + sent.length, 0);
  /** Everybody takes what came, until nobody says anything more. The caller acknowledges a refusal at once. */
  const turn = async (): Promise<void> => {
    for (let before = -1; before !== said(); ) {
      before = said();
      for (const server of servers) server.look();
      const refusals = world.caller.sent.filter((text) => /^SIP\/2\.0 [3-6]/.test(text)).length;
      if (method === 'INVITE' && refusals > acknowledged)
        world.again({ uri: URI, method: 'ACK', to: TAGGED });
      acknowledged = refusals;
      await settled();
    }
  };
  /** In steps, so that promises have their turn between timers. */
  const wait = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      world.clock.advance(Math.min(left, 500));
      await turn();
    }
  };
  for (const one of events) {
    if (one.kind === 'wait') await wait(one.ms);
    else if (one.kind === 'say') servers[one.server]?.say(one.status);
    else if (one.kind === 'repeat') world.again({ uri: URI, method });
    else if (method === 'INVITE') world.again({ uri: URI, method: 'CANCEL' });
    await turn();
  }
  await wait(300_000);
  const heard = world.caller.sent.map((text) => Number(startOf(text).split(' ')[1]));
  return { world, servers, heard };
};

const events = fc.array(event, { maxLength: 14 });

describe('an INVITE', () => {
  test('ends once, leaves nobody ringing or waiting for an ACK, and no timer', async () => {
    await fc.assert(
      fc.asyncProperty(events, async (given) => {
        const { world, servers, heard } = await run('INVITE', given);
        const finals = heard.filter((status) => status >= 200);
        const refusals = new Set(finals.filter((status) => status >= 300));
        expect(finals.length, 'a final answer').toBeGreaterThan(0);
        expect(refusals.size, 'one refusal at most').toBeLessThanOrEqual(1);
        if (finals[0] === 200) expect(refusals.size, 'no refusal after a 200').toBe(0);
        expect([...refusals], 'a 503 is never passed on').not.toContain(503);
        // Whoever took the call is heard of, even if another was asked meanwhile.
        if (servers.some(({ final }) => final === 200)) expect(finals).toContain(200);
        for (const { flow, final, rang, acknowledged, cancelled } of servers) {
          if (final !== undefined && final >= 300)
            expect(acknowledged, `${final} is acknowledged`).toBe(true);
          if (rang && final === undefined) expect(cancelled, 'nobody rings for ever').toBe(true);
          const methods = flow.sent.map((text) => text.split(' ', 1).join(''));
          if (!rang && cancelled)
            expect(methods, 'no CANCEL before a provisional answer').not.toContain('CANCEL');
          expect(
            new Set(flow.sent.map((text) => valuesOf(text, 'Via')[0])).size,
            'one branch a server',
          ).toBeLessThanOrEqual(1);
        }
        expect([world.retransmitter.size, world.clock.timers]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a MESSAGE', () => {
  test('is answered once at most, by a server or as unreachable, and leaves no timer', async () => {
    await fc.assert(
      fc.asyncProperty(events, async (given) => {
        const { world, servers, heard } = await run('MESSAGE', given);
        const finals = new Set(heard.filter((status) => status >= 200));
        expect(finals.size).toBeLessThanOrEqual(1);
        for (const status of finals)
          expect(status === 500 || servers.some(({ final }) => final === status)).toBe(true);
        expect([...finals]).not.toContain(503);
        expect(heard.filter((status) => status < 200 && status !== 100)).toEqual([]);
        for (const { flow } of servers)
          expect(flow.sent.filter((text) => !text.startsWith('MESSAGE'))).toEqual([]);
        expect([world.retransmitter.size, world.clock.timers]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });
});
