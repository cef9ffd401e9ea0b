// Every torture message of RFC 4475 and RFC 5118 at a running server: answered as its verdict says, or counted; none stops it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UdpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';
import { type SipWorld, sipWorld } from '../../support/sip-world.ts';

interface Verdict {
  readonly file: string;
  readonly expect: number | string | readonly (number | string)[];
  readonly note: string;
}

const CORPUS = new URL('../../vectors/corpus/', import.meta.url);
const bytesOf = (file: string): Uint8Array => readFileSync(new URL(file, CORPUS));
const verdicts: readonly Verdict[] = JSON.parse(readFileSync(new URL('index.json', CORPUS), 'utf8'));

/** The server of this test knows no users: REGISTER gets 200, everything else 404. What a registrar must see, it can't. */
const REGISTRARS: ReadonlyMap<string, number> = new Map([['rfc4475/unksm2.dat', 200]]);

/** What a stream makes of messages whose frame is the point: RFC 4475 tells of both, and RFC 3261 §20.14 asks for a length. */
const ON_A_STREAM: ReadonlyMap<string, readonly string[]> = new Map([
  // The request, the INVITE that follows it in the packet, and line ends that belong to neither.
  ['rfc4475/dblreq.dat', ['200', '404', 'malformed', 'stream-garbage']],
  ['rfc4475/clerr.dat', ['slow-sender']],
  ['rfc4475/inv2543.dat', ['400', 'stream-garbage']],
  ['rfc4475/ncl.dat', ['400', 'stream-garbage']],
  ['rfc4475/mcl01.dat', ['400', 'stream-garbage']],
]);

let world: SipWorld;
let fence: UdpPeer;
let source: UdpPeer;
let responses = 0;

/** Some address of 127.0.0.0/8 whose port 5060 is free: without rport answers go to the sent-by port. */
const bindSomewhere = async (attempts = 20): Promise<UdpPeer> => {
  const part = () => 1 + Math.floor(Math.random() * 250);
  try {
    return await world.udpPeer({ host: `127.${part()}.${part()}.${part()}`, port: 5060 });
  } catch (error) {
    if (attempts === 1) throw error;
    return bindSomewhere(attempts - 1);
  }
};

beforeAll(async () => {
  world = await sipWorld({ limits: { idleMs: 1e12 } });
  world.server.handle('REGISTER', async (transaction) => transaction.reply({ status: 200 }));
  world.server.handleOthers(async (transaction) =>
    transaction.reply(world.server.unmet(transaction.request) ?? { status: 404 }),
  );
  world.server.handleResponses(() => {
    responses += 1;
  });
  fence = await world.udpPeer();
  source = await bindSomewhere();
});
afterAll(() => world.close());

/** Codes answered, reasons of drops and responses taken, as counted until now; the fence's own NOTIFYs left out. */
const tally = (): ReadonlyMap<string, number> => {
  const counts = new Map([['response', responses]]);
  const add = (key: string, by: number) => counts.set(key, (counts.get(key) ?? 0) + by);
  for (const [labels, count] of world.series('chordial_sip_requests_total'))
    if (!labels.includes('NOTIFY')) add(/code="(\d+)"/.exec(labels)?.[1] ?? '', count);
  // Peers that reset their connections while the answer is under way are the test's doing.
  for (const [labels, count] of world.series('chordial_sip_dropped_total'))
    if (!labels.includes('socket-error')) add(/reason="([^"]+)"/.exec(labels)?.[1] ?? '', count);
  return counts;
};

const since = (before: ReadonlyMap<string, number>): readonly string[] =>
  [...tally()].flatMap(([key, count]) => new Array<string>(count - (before.get(key) ?? 0)).fill(key));

let fences = 0;
/** A request of ours is answered: what was sent before it has been looked at, and the server lives. */
const stillAnswers = async (): Promise<void> => {
  fences += 1;
  const via = `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKfence${fences}`;
  fence.send(requestText({ method: 'NOTIFY', via, callId: `fence${fences}` }), world.udp);
  expect((await fence.next()).text).toMatch(/^SIP\/2\.0 404 /);
};

const judge = (verdict: Verdict, seen: readonly string[]): void => {
  const [what = '', ...more] = seen;
  expect(more).toEqual([]);
  const wanted = [verdict.expect].flat();
  const registrars = REGISTRARS.get(verdict.file);
  if (registrars !== undefined) expect(what).toBe(String(registrars));
  else if (wanted.includes('response-accept')) expect(what).toBe('response');
  // Nothing is asked here, so whether a response that can be read was expected is for the forwarder to say.
  else if (wanted.includes('discard')) expect(['malformed', 'response']).toContain(what);
  else if (wanted.includes('accept') && wanted.includes(400)) expect(what).toMatch(/^\d+$/);
  else if (wanted.includes('accept')) expect(what).toMatch(/^(?!400)\d+$/);
  else expect(wanted.map(String)).toContain(what);
};

describe.each(verdicts.map((verdict) => [verdict.file, verdict] as const))('%s', (file, verdict) => {
  test('over UDP', async () => {
    // Some messages of the RFCs are one and the same transaction: by now the answer to the last one is forgotten.
    world.clock.advance(70_000);
    const before = tally();
    source.send(bytesOf(file), world.udp);
    await stillAnswers();
    judge(verdict, since(before));
  });

  test('over TCP', async () => {
    const before = tally();
    const phone = await world.tcpPeer();
    phone.send(bytesOf(file));
    // What is whole is answered or counted at once; a message that lacks its end is closed when its time is over.
    for (let turns = 1; since(before).length === 0 && turns < 5000; turns += 1) {
      if (turns % 100 === 0) world.clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seen = since(before);
    phone.stream.destroy();
    await stillAnswers();
    const framed = ON_A_STREAM.get(file);
    if (framed === undefined) judge(verdict, seen.slice(0, 1));
    else expect([...seen].sort()).toEqual([...framed].sort());
  });
});
