import { expect, test } from 'vitest';
import { mayRelay, type RelayFacts } from '../../../src/redirect/caller.ts';

const alice = { scheme: 'sip', user: 'alice', domain: 'biloxi.com' };
const unknown: RelayFacts = { caller: alice, peer: false, local: false, proven: 'not-yet' };

// Every combination that differs: who may relay is one table.
test.each<[string, Partial<RelayFacts>, string]>([
  ['a stranger', { caller: undefined }, 'no'],
  ['a stranger on this machine', { caller: undefined, local: true }, 'no'],
  ['a stranger behind a peer', { caller: undefined, peer: true }, 'no'],
  ['a peer', { peer: true }, 'yes'],
  ['a peer where no passwords are asked for', { peer: true, proven: 'nobody' }, 'yes'],
  ['a user who has shown nothing yet', {}, 'ask'],
  ['a user on this machine who has shown nothing yet', { local: true }, 'ask'],
  ['a user with the right password', { proven: ['alice'] }, 'yes'],
  ['a user whose authentication name is for several', { proven: ['carol', 'alice'] }, 'yes'],
  ['another user', { proven: ['carol'] }, 'no'],
  ['an authentication name for nobody', { proven: [] }, 'no'],
  ['without passwords, from elsewhere', { proven: 'nobody' }, 'no'],
  ['without passwords, on this machine', { proven: 'nobody', local: true }, 'yes'],
])('%s', (_, given, verdict) => {
  expect(mayRelay({ ...unknown, ...given }).kind).toBe(verdict);
});
