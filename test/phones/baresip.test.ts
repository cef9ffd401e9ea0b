import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Baresip } from './support/baresip.ts';
import { account, openScene, type Scene, started } from './support/scene.ts';
import { firstRequest } from './support/sip-trace.ts';

const TRANSPORTS = ['udp', 'tcp'] as const;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({
    atlanta: ['alice-udp', 'alice-tcp', 'anna-udp', 'anna-tcp'],
    biloxi: ['bob-udp', 'bob-tcp', 'ben-udp', 'ben-tcp'],
    chicago: [],
  });
});

afterAll(() => scene?.close());

describe.each(TRANSPORTS)('baresip over %s', (transport) => {
  test("calls another domain's phone, straight from phone to phone", async () => {
    const { place, atlanta, biloxi } = scene;
    const bob = await started(
      new Baresip(place, {
        ...account(`bob-${transport}`, biloxi),
        address: '10.1.0.102',
        port: 6000,
        transport,
        answers: 'auto',
      }),
    );
    const alice = await started(
      new Baresip(place, {
        ...account(`alice-${transport}`, atlanta),
        address: '10.1.0.101',
        port: 6000,
        transport,
        answers: 'manual',
      }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    alice.dial(bob.aor);
    await Promise.all([alice.event('CALL_ESTABLISHED'), bob.event('CALL_ESTABLISHED')]);

    const invite = await firstRequest(bob.program, 'INVITE');
    expect(invite.header('Via')).toEqual([expect.stringContaining('10.1.0.101')]);
    expect(await biloxi.calls(marks.biloxi, 1)).toEqual([
      expect.objectContaining({ aor: bob.aor, code: 302 }),
    ]);
    expect(await atlanta.calls(marks.atlanta, 0)).toEqual([]);
    alice.hangUp();
    await bob.event('CALL_CLOSED');
  });

  test('calls through its own registrar, which looks up, redirects, challenges and forwards', async () => {
    const { place, atlanta, biloxi } = scene;
    const ben = await started(
      new Baresip(place, {
        ...account(`ben-${transport}`, biloxi),
        address: '10.1.0.104',
        port: 6000,
        transport,
        answers: 'auto',
      }),
    );
    const anna = await started(
      new Baresip(place, {
        ...account(`anna-${transport}`, atlanta),
        address: '10.1.0.103',
        port: 6000,
        transport,
        outbound: `sip:${atlanta.domain.name};transport=${transport};lr`,
        answers: 'manual',
      }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    anna.dial(ben.aor);
    await Promise.all([anna.event('CALL_ESTABLISHED'), ben.event('CALL_ESTABLISHED')]);

    const invite = await firstRequest(ben.program, 'INVITE');
    expect(invite.header('Via')).toHaveLength(2);
    expect(invite.header('Proxy-Authorization')).toEqual([]);
    expect(await atlanta.calls(marks.atlanta, 3)).toEqual([
      expect.objectContaining({ aor: ben.aor, code: 302 }),
      expect.objectContaining({ code: 407 }),
      expect.objectContaining({ why: expect.stringContaining(`forwarded to ${transport}:10.1.0.104:6000`) }),
    ]);
    expect(await biloxi.calls(marks.biloxi, 0)).toEqual([]);
    // The callee's BYE comes back by the signed Record-Route.
    ben.hangUp();
    await anna.event('CALL_CLOSED');
    expect((await firstRequest(anna.program, 'BYE')).header('Via')).toHaveLength(2);
  });
});
