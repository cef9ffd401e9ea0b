// Issue: "kill -9 between the REGISTER and its 200, at every step: the phone's retransmission or the next registrar gives a
// right answer; nothing acknowledged is lost; a retransmitted REGISTER, also at another registrar, is answered like the first."
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Frame, readFrame } from '../../../src/dht/frame.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import { keyOf } from '../../../src/record/keys.ts';
import { locationName } from '../../../src/uri/name.ts';
import { ServerRing } from '../../support/server-ring.ts';
import { makeDomain, type TestServer } from '../../support/servers.ts';
import { inParallel, type SipAnswer, SipClient } from '../../support/sip-client.ts';

const VICTIM = makeDomain('a.example', 0);
const DOMAINS = [VICTIM, makeDomain('a.example', 1), makeDomain('b.example'), makeDomain('c.example')];
const ACKNOWLEDGED = 40;
const DIES_WITHIN_MS = 5_000;
/** Requests alone are read, and of those only publications, which name no peers. */
const CODEC = messageCodec(() => ({ ok: false, error: 'no peers here' }));
/** A REGISTER that takes more datagrams than this to and from the overlay is a fault. */
const STEPS_MAX = 30;

const figures: number[] = [];
const ring = new ServerRing(DOMAINS);
let victim: TestServer;
let others: readonly TestServer[];
let phones: SipClient;

const other = (index: number): TestServer => {
  const server = others[index];
  if (server === undefined) throw new Error(`no server ${index}`);
  return server;
};
const contactOf = (aor: string): string => `<${aor.replace('@a.example', '@192.0.2.9:5080')}>`;
const register = (server: TestServer, aor: string, giveUpMs = 32_000): Promise<SipAnswer> =>
  phones.register(server.sip, aor, { contact: contactOf(aor), expires: 600, giveUpMs });

/** Status and Contact values without what counts down. */
const essence = (answer: SipAnswer): string =>
  `${answer.status} ${answer.header('contact').map((one) => one.replace(/;expires=\d+/, ';expires=…'))}`;
const right = (aor: string): string => `200 ${contactOf(aor)};expires=…`;
const found = async (server: TestServer, aor: string): Promise<string> => {
  const answer = await phones.invite(server.sip, aor);
  return `${answer.status} ${answer.header('contact')}`;
};

/** Calls `onStep` before each datagram that this registration takes, either way; false keeps it from happening. */
const watch = ({ wire }: TestServer, aor: string, onStep: (step: number) => boolean): void => {
  const name = locationName(aor);
  if (!name.ok) throw new Error(name.error);
  const key = keyOf(name.value);
  // BOUNDED: by the publications of one REGISTER.
  const transactions = new Set<string>();
  let step = 0;
  const isPublication = (frame: Frame): boolean => {
    const opened = frame.answer || frame.bitmap ? undefined : CODEC.openRequest(frame.chunk);
    if (opened?.ok !== true || opened.value.type !== 'publish') return false;
    const request = opened.value.read();
    return request.ok && request.value.type === 'publish' && request.value.key === key;
  };
  const ofOverlay = (bytes: Uint8Array): boolean => {
    const reading = readFrame(bytes);
    if (!reading.ok) return true;
    const transaction = Buffer.from(reading.frame.transaction).toString('hex');
    if (isPublication(reading.frame)) transactions.add(transaction);
    if (!transactions.has(transaction)) return true;
    step += 1;
    return onStep(step);
  };
  wire.onSend = ofOverlay;
  wire.onReceive = ofOverlay;
  wire.onSip = () => {
    step += 1;
    return onStep(step);
  };
};

/** A REGISTER at the victim, which dies before its `at`th datagram; the step at which it was answered, if it was. */
const registerAndDie = async (aor: string, at: number): Promise<number | undefined> => {
  let steps = 0;
  const dead = new Promise<undefined>((resolve) => {
    watch(victim, aor, (step) => {
      steps = step;
      if (step < at) return true;
      if (!victim.wire.dead) void victim.kill().then(() => resolve(undefined));
      return false;
    });
  });
  const answered = register(victim, aor, DIES_WITHIN_MS).then(
    () => steps,
    () => undefined, // nobody answers: that is what is tested
  );
  const answeredAt = await Promise.race([answered, dead]);
  victim.wire.release();
  return answeredAt;
};

const restart = async (): Promise<void> => {
  victim = await ring.start(VICTIM);
  figures.push(await ring.settled([victim, ...others], DOMAINS.length));
};

beforeAll(async () => {
  phones = await SipClient.open();
  const servers = await ring.startAll([...DOMAINS].reverse());
  others = servers.slice(0, -1).reverse();
  victim = servers.at(-1) ?? other(0);
  await inParallel(ACKNOWLEDGED, 10, async (index) => {
    const aor = `sip:held${index}@a.example`;
    expect(essence(await register(index % 2 === 0 ? victim : other(0), aor))).toBe(right(aor));
  });
}, 60_000);

afterAll(async () => {
  process.stderr.write(`killed at ${figures.length} steps; ready elsewhere after, ms: ${figures}\n`);
  await ring.end();
  await phones.close();
});

test('a registrar killed at any step of a REGISTER leaves nothing wrong behind', async () => {
  const aors: string[] = [];
  for (let step = 1; step <= STEPS_MAX; step += 1) {
    const aor = `sip:step${step}@a.example`;
    aors.push(aor);
    const answeredAt = await registerAndDie(aor, step);
    if (answeredAt !== undefined) {
      expect(answeredAt).toBe(step - 1);
      break;
    }
    // At the domain's other registrar the phone is answered at once, and once more like the first time.
    if (step % 2 === 0) {
      expect([step, essence(await register(other(0), aor))]).toEqual([step, right(aor)]);
      expect([step, essence(await register(other(0), aor))]).toEqual([step, right(aor)]);
      expect([step, await found(other(1), aor)]).toEqual([step, `302 ${contactOf(aor)}`]);
    }
    await restart();
    expect([step, essence(await register(victim, aor))]).toEqual([step, right(aor)]);
    expect([step, essence(await register(other(0), aor))]).toEqual([step, right(aor)]);
    for (const server of [victim, ...others])
      expect([step, await found(server, aor)]).toEqual([step, `302 ${contactOf(aor)}`]);
  }
  // REGISTER in; to two other replicas and back, or to three; 200 out.
  expect(aors.length).toBeGreaterThan(4);
  expect(aors.length).toBeLessThan(STEPS_MAX);
  const all = [...aors, ...Array.from({ length: ACKNOWLEDGED }, (_, i) => `sip:held${i}@a.example`)];
  for (const server of [victim, ...others])
    for (const aor of all) expect(await found(server, aor)).toBe(`302 ${contactOf(aor)}`);
}, 180_000);
