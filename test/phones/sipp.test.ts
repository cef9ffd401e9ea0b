import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { passwordOf } from './support/domains.ts';
import { openScene, type Scene } from './support/scene.ts';
import { runSipp } from './support/sipp.ts';

const USERS = 1_000;

const usersOf = (transport: string): string[] =>
  Array.from({ length: USERS }, (_, index) => `${transport}-${String(index).padStart(4, '0')}`);

/** A Contact of each user's own, in port and parameter too: a mix-up would show. */
const contactOf = (user: string, index: number): string =>
  `sip:${user}.phone@10.1.0.1:${20_000 + index};line=${index}`;

/** What sipp puts in the place of the field: the digest for the challenge it got. */
const authentication = (user: string): string =>
  `[authentication username=${user} password=${passwordOf(user)}]`;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene(
    { atlanta: [...usersOf('udp'), ...usersOf('tcp')], biloxi: [], chicago: [] },
    // All users come from one address here.
    { limits: { perSourcePerSec: 100_000 } },
  );
});

afterAll(() => scene?.close());

describe.each([
  ['udp', ['u1', 'u1']],
  ['tcp', ['t1', 'tn']],
] as const)('a thousand users over %s', (transport, [registering, calling]) => {
  const users = usersOf(transport);
  const contacts = new Map(users.map((user, index) => [user, contactOf(user, index)]));

  test('register with digest, and a third domain redirects callers to exactly their Contacts', async () => {
    const { place, atlanta, chicago } = scene;
    const domain = atlanta.domain.name;
    const registered = await runSipp(place, {
      scenario: 'register',
      transport: registering,
      server: atlanta.domain.address,
      rows: users.map((user) => [user, domain, authentication(user), contacts.get(user) ?? '']),
    });
    const unregistered = users.filter(
      (user) => !registered.get(user)?.startsWith(`<${contacts.get(user)}>;expires=`),
    );
    expect(unregistered).toEqual([]);

    const redirected = await runSipp(place, {
      scenario: 'invite',
      transport: calling,
      server: chicago.domain.address,
      rows: users.map((user) => [user, domain]),
    });
    const misdirected = users.filter((user) => redirected.get(user) !== `<${contacts.get(user)}>`);
    expect(misdirected).toEqual([]);
  });
});
