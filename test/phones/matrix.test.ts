// Every phone of Debian over every transport it has, put through the same day: the table of docs/phones.md is what this sees.
//   MATRIX=write npx vitest run --project phones test/phones/matrix.test.ts     writes it there
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Agent,
  baresipAgent,
  browserAgent,
  jamiAgent,
  linphoneAgent,
  twinkleAgent,
} from './support/agents.ts';
import {
  COLUMNS,
  DEEDS,
  type Deed,
  type DeedName,
  FOLLOWS_NO_302,
  isCalled,
  LISTENS_NOWHERE,
  type Pair,
  pageTable,
  tableOf,
  writePage,
} from './support/matrix.ts';
import { WSS_PORT } from './support/registrar.ts';
import { type Account, account, openScene, type Scene } from './support/scene.ts';

const EXPIRES_SEC = 20;
/** Most come back within their refresh; linphone waits a minute before it opens a lost connection again. */
const BACK_DEADLINE_MS = 90_000;

type Transport = 'udp' | 'tcp' | 'tls' | 'wss';

interface Candidate {
  readonly agent: string;
  readonly transport: Transport;
  make(scene: Scene, given: Account, number: number): Agent;
  /** What it can't do, by column: shown as it is, with the reason that the table gives. */
  readonly instead?: Partial<Record<DeedName | 'comes back', Deed>>;
}

const baresip = (transport: 'udp' | 'tcp' | 'tls'): Candidate => ({
  agent: 'baresip',
  transport,
  make: ({ place }, given, number) =>
    baresipAgent(place, {
      ...given,
      address: `10.1.0.${100 + number}`,
      port: 6000,
      transport,
      answers: 'manual',
      expiresSec: EXPIRES_SEC,
    }),
});

const linphone = (transport: 'udp' | 'tcp' | 'tls'): Candidate => ({
  agent: 'linphone',
  transport,
  make: ({ place }, given, number) =>
    linphoneAgent(place, {
      ...given,
      port: 7000 + 100 * number,
      transport,
      answers: 'manual',
      expiresSec: EXPIRES_SEC,
    }),
  ...(transport === 'udp' ? {} : { instead: LISTENS_NOWHERE }),
});

const inBrowser = (library: 'jssip' | 'sipjs', agent: string): Candidate => ({
  agent,
  transport: 'wss',
  make: ({ place, atlanta }, given) =>
    browserAgent(place, {
      ...given,
      library,
      server: `wss://${atlanta.domain.name}:${WSS_PORT}`,
      expiresSec: EXPIRES_SEC,
    }),
  instead: { ...FOLLOWS_NO_302, ...LISTENS_NOWHERE },
});

const twinkle = (transport: 'udp' | 'tcp'): Candidate => ({
  agent: 'twinkle',
  transport,
  make: ({ place }, given, number) =>
    twinkleAgent(place, { ...given, port: 7000 + 100 * number, transport, expiresSec: EXPIRES_SEC }),
});

const jami: Candidate = {
  agent: 'jami',
  transport: 'udp',
  make: ({ place }, given, number) =>
    jamiAgent(place, { ...given, port: 7000 + 100 * number, expiresSec: EXPIRES_SEC }),
  instead: FOLLOWS_NO_302,
};

const CANDIDATES: readonly Candidate[] = [
  baresip('udp'),
  baresip('tcp'),
  baresip('tls'),
  linphone('udp'),
  linphone('tcp'),
  linphone('tls'),
  twinkle('udp'),
  twinkle('tcp'),
  jami,
  inBrowser('jssip', 'JsSIP in Chromium'),
  inBrowser('sipjs', 'SIP.js in Chromium'),
];

let scene: Scene;
const numbered = CANDIDATES.map((candidate, number) => ({
  ...candidate,
  number,
  seen: new Map<string, string>(),
}));
const pairs = new Map<number, Pair>();

beforeAll(async () => {
  scene = await openScene(
    {
      atlanta: numbered.map(({ number }) => `phone${number}`),
      biloxi: numbered.map(({ number }) => `partner${number}`),
      chicago: [],
    },
    // jami asks for an hour, whatever it was told.
    { registrar: { minExpiresSec: EXPIRES_SEC, maxExpiresSec: 60, defaultExpiresSec: 60 } },
  );
});

afterAll(async () => {
  for (const { agent, partner } of pairs.values()) await Promise.all([agent.stop(), partner.stop()]);
  await scene?.close();
});

const pairOf = (number: number): Pair => {
  const pair = pairs.get(number);
  if (pair === undefined) throw new Error('it did not register');
  return pair;
};

describe.concurrent.each(numbered)('$agent over $transport', ({ number, transport, make, instead, seen }) => {
  // One after the other: a phone has one ear.
  test.sequential('registers, and is used as phones are', async () => {
    const { place, atlanta, biloxi } = scene;
    const agent = make(scene, account(`phone${number}`, atlanta), number);
    const partner = baresipAgent(place, {
      ...account(`partner${number}`, biloxi),
      address: `10.1.0.${150 + number}`,
      port: 6000,
      transport: transport === 'wss' ? 'udp' : transport,
      answers: 'manual',
    });
    pairs.set(number, { agent, partner });
    await Promise.all([agent.start(), partner.start()]);
    seen.set('registers', 'yes');
    for (const [name, deed] of Object.entries(DEEDS) as [DeedName, Deed][]) // its own keys
      seen.set(name, await (instead?.[name] ?? deed)({ agent, partner }));
  });
});

test('after their registrar was killed, and is back, all are back by themselves and are called', async () => {
  const { atlanta } = scene;
  await atlanta.kill();
  await atlanta.start();
  await Promise.all(
    numbered.map(async ({ number, instead, seen }) => {
      const pair = pairOf(number);
      const back = new RegExp(`"aor":"${pair.agent.aor}".*"code":200.*"msg":"register"`);
      await atlanta.program.line(back, { deadlineMs: BACK_DEADLINE_MS });
      await (instead?.['is called'] ?? isCalled)(pair);
      seen.set('comes back', 'yes');
    }),
  );
});

test('the table in docs/phones.md says what was seen', () => {
  const table = tableOf(numbered);
  if (process.env['MATRIX'] === 'write') writePage(table);
  expect(pageTable()).toBe(table);
  expect(numbered.every(({ seen }) => COLUMNS.every((column) => seen.has(column)))).toBe(true);
});
