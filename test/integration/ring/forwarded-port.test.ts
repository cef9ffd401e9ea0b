// Issue: "A node whose source address isn't its advertised one (a relay or forwarded port) takes part." Real processes.
import { afterAll, expect, test } from 'vitest';
import { openDatagram } from '../../../src/runtime/datagram.ts';
import { Fleet } from '../../net/fleet.ts';
import { Ledger } from '../../net/ledger.ts';
import { createForwarder, type Forwarder } from '../../support/forwarder.ts';
import { until } from '../../support/until.ts';

const USERS = 120;
const PORT = 7184;
const PUBLIC = { host: '127.78.1.1', port: PORT };
const HIDDEN = { host: '127.78.2.1', port: PORT };

const fleet = new Fleet();
let forwarder: Forwarder | undefined;
afterAll(async () => {
  await fleet.end();
  await forwarder?.close();
});

test('it joins, serves and is served, keeps its copies, leaves, and is missed by nobody', async () => {
  const ledger = new Ledger(USERS);
  forwarder = await createForwarder(openDatagram, { public: PUBLIC, target: HIDDEN, innerHost: PUBLIC.host });
  await fleet.start('n0', '127.78.0.1', { seeds: [] });
  for (const index of [1, 2, 3]) await fleet.start(`n${index}`, `127.78.0.${index + 1}`);
  const hidden = await fleet.start('hidden', HIDDEN.host, { advertise: PUBLIC });
  await until('five in one ring', () => fleet.settled());
  await ledger.registerAll(fleet.living);
  await ledger.lookUpAll(fleet.living);
  // Through it alone, both ways.
  await ledger.registerAll([hidden]);
  await ledger.lookUpAll([hidden]);
  expect((await hidden.order({ do: 'state' }))?.keys).toBeGreaterThan(0);
  const [first, second] = fleet.living;
  await first?.end('SIGKILL');
  await until('four in one ring', () => fleet.settled());
  // Of 3 copies among 4 members it holds three quarters: what the dead held is here now, too.
  await ledger.lookUpAll([hidden]);
  await ledger.lookUpAll(fleet.living);
  await second?.stop();
  await until('three in one ring', () => fleet.settled());
  await until('it holds everything', async () => (await hidden.order({ do: 'state' }))?.keys === USERS);
  await ledger.lookUpAll(fleet.living);
  await hidden.stop();
  await until('two in one ring', () => fleet.settled());
  await ledger.lookUpAll(fleet.living);
  expect(ledger.wrong).toEqual([]);
  const { lookups, unanswered, notRegistered } = ledger.tally();
  expect({ lookups, unanswered, notRegistered }).toEqual({
    lookups: 6 * USERS,
    unanswered: 0,
    notRegistered: 0,
  });
  expect(forwarder.passed()).toBeGreaterThan(USERS);
}, 90_000);
