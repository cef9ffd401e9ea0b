// One overlay, one address family: a ring on ::1 works as one on 127.0.0.1 does, and a member of the other family comes in
// nowhere and disturbs nobody (docs/operations.md, "Ports and addresses").
import { afterAll, expect, test } from 'vitest';
import { Fleet, type Member } from '../../net/fleet.ts';
import { Ledger } from '../../net/ledger.ts';
import { until } from '../../support/until.ts';

const USERS = 40;
const HOST4 = '127.81.0.';
/** Longer than a member of the right family takes to come in. */
const ROUNDS = 6;

const four = new Fleet();
const six = new Fleet();
const mixed = new Fleet();
afterAll(() => Promise.all([four, six, mixed].map((fleet) => fleet.end())));

const at6 = (port: number) => ({ listen: { host: '::1', port }, advertise: { host: '::1', port } });
const ready = async (member: Member): Promise<boolean> =>
  (await member.order({ do: 'state' }))?.ready === true;

test('two rings, one of each family, and one who asks the wrong one', async () => {
  await four.start('four0', `${HOST4}1`, { seeds: [] });
  await four.start('four1', `${HOST4}2`);
  await six.start('six0', '::1', { ...at6(27184), seeds: [] });
  await six.start('six1', '::1', at6(27185));
  for (const fleet of [four, six]) await until('two in one ring', () => fleet.settled());
  const seeds = four.living.map(({ at }) => at);
  const stranger = await mixed.start('stranger', '::1', { ...at6(27186), seeds });
  for (const fleet of [four, six]) {
    const ledger = new Ledger(USERS);
    for (let round = 0; round < ROUNDS; round += 1) {
      await ledger.registerAll(fleet.living);
      await ledger.lookUpAll(fleet.living);
      expect(await ready(stranger)).toBe(false);
    }
    expect(ledger.wrong).toEqual([]);
    expect(ledger.tally().unanswered).toBe(0);
    expect((await fleet.states()).map(({ members }) => members)).toEqual([2, 2]);
  }
}, 90_000);
