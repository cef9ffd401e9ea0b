import { afterAll, beforeAll, test } from 'vitest';
import { Baresip } from './support/baresip.ts';
import { Linphone } from './support/linphone.ts';
import { account, openScene, type Scene, started } from './support/scene.ts';

/** Longer than the two calls that are made while nobody renews a binding. */
const EXPIRES_SEC = 20;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene(
    { atlanta: ['alice'], biloxi: ['bob', 'ben'], chicago: [] },
    { registrar: { minExpiresSec: EXPIRES_SEC } },
  );
});

afterAll(() => scene?.close());

test('while the registrar is dead its phones are found in the ring; when it is back they register by themselves', async () => {
  const { place, atlanta, biloxi } = scene;
  const phone = { expiresSec: EXPIRES_SEC, answers: 'auto' } as const;
  const bob = await started(
    new Baresip(place, { ...account('bob', biloxi), ...phone, address: '10.1.0.102', port: 6000 }),
  );
  const ben = await started(new Linphone(place, { ...account('ben', biloxi), ...phone, port: 7000 }));
  const alice = await started(
    new Baresip(place, {
      ...account('alice', atlanta),
      ...phone,
      address: '10.1.0.101',
      port: 6000,
      outbound: 'sip:atlanta.example;lr',
      answers: 'manual',
    }),
  );
  const aliceCallsBoth = async (): Promise<void> => {
    const marks = { alice: alice.mark, bob: bob.mark, ben: ben.mark };
    alice.dial(bob.aor);
    await Promise.all([
      alice.event('CALL_ESTABLISHED', { mark: marks.alice }),
      bob.event('CALL_ESTABLISHED', { mark: marks.bob }),
    ]);
    alice.hangUp();
    await bob.event('CALL_CLOSED', { mark: marks.bob });
    const mark = alice.mark;
    alice.dial(ben.aor);
    await Promise.all([
      alice.event('CALL_ESTABLISHED', { mark }),
      ben.state('StreamsRunning', { mark: marks.ben }),
    ]);
    alice.hangUp();
    await ben.state('Released', { mark: marks.ben });
  };

  await biloxi.kill();
  await aliceCallsBoth();

  const marks = { bob: bob.mark, ben: ben.mark };
  await biloxi.start();
  await Promise.all([
    bob.registered({ mark: marks.bob, deadlineMs: 60_000 }),
    ben.registered({ mark: marks.ben, deadlineMs: 60_000 }),
  ]);
  await aliceCallsBoth();
});
