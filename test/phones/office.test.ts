// Users as offices have them, with real phones: extensions, an authentication name, and a user file changed while they register.
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Baresip } from './support/baresip.ts';
import { account, openScene, type Scene, started } from './support/scene.ts';
import { firstRequest } from './support/sip-trace.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ atlanta: ['alice', 'a.smith'], biloxi: ['bob'], chicago: [] });
});

afterAll(() => scene?.close());

test('101 is alice, whose phone logs in as a.smith; both since the file was changed', async () => {
  const { place, atlanta, biloxi } = scene;
  const realm = atlanta.domain.name;
  const { mark } = atlanta.program;
  appendFileSync(atlanta.domain.usersFile, `101:${realm}:alias:alice\na.smith:${realm}:login:alice\n`);
  await atlanta.program.line(/"msg":"users reloaded"/, { mark });

  // One phone knows the extension alone, and the password of a.smith.
  const desk = await started(
    new Baresip(place, {
      ...account('a.smith', atlanta),
      user: '101',
      authUser: 'a.smith',
      address: '10.1.0.101',
      port: 6000,
      answers: 'auto',
    }),
  );
  const bob = await started(
    new Baresip(place, {
      ...account('bob', biloxi),
      address: '10.1.0.102',
      port: 6000,
      answers: 'manual',
    }),
  );
  // In the ring there is alice, and no 101.
  bob.dial(`sip:alice@${realm}`);
  await Promise.all([bob.event('CALL_ESTABLISHED'), desk.event('CALL_ESTABLISHED')]);
  const invite = await firstRequest(desk.program, 'INVITE');
  expect(invite.header('To')).toEqual([expect.stringContaining(`sip:alice@${realm}`)]);
  bob.hangUp();
  await desk.event('CALL_CLOSED');

  // By DNS the call to the extension comes to the registrar, which knows whose it is.
  const [calls, events] = [atlanta.mark, { bob: bob.mark, desk: desk.mark }];
  bob.dial(`sip:101@${realm}`);
  await Promise.all([
    bob.event('CALL_ESTABLISHED', { mark: events.bob }),
    desk.event('CALL_ESTABLISHED', { mark: events.desk }),
  ]);
  expect(await atlanta.calls(calls, 1)).toEqual([
    expect.objectContaining({ aor: `sip:alice@${realm}`, code: 302 }),
  ]);
  bob.hangUp();
});
