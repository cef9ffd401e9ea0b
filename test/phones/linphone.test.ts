import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Linphone } from './support/linphone.ts';
import { account, openScene, type Scene, started } from './support/scene.ts';
import { requestsOf } from './support/sip-trace.ts';

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

describe.each(TRANSPORTS)('linphone over %s', (transport) => {
  test("calls another domain's phone, straight from phone to phone", async () => {
    const { place, atlanta, biloxi } = scene;
    const bob = await started(
      new Linphone(place, { ...account(`bob-${transport}`, biloxi), port: 7000, transport, answers: 'auto' }),
    );
    const alice = await started(
      new Linphone(place, {
        ...account(`alice-${transport}`, atlanta),
        port: 6000,
        transport,
        answers: 'manual',
      }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    alice.call(bob.aor);
    await Promise.all([alice.state('StreamsRunning'), bob.state('StreamsRunning')]);

    expect(requestsOf(bob.trace, 'INVITE')[0]?.header('Via')).toHaveLength(1);
    expect(biloxi.calls(marks.biloxi)).toEqual([expect.objectContaining({ aor: bob.aor, code: 302 })]);
    expect(atlanta.calls(marks.atlanta)).toEqual([]);
    alice.hangUp();
    await bob.state('Released');
  });

  test('sends the redirected INVITE back to its registrar, which challenges and forwards it', async () => {
    const { place, atlanta, biloxi } = scene;
    const ben = await started(
      new Linphone(place, { ...account(`ben-${transport}`, biloxi), port: 7200, transport, answers: 'auto' }),
    );
    const anna = await started(
      new Linphone(place, {
        ...account(`anna-${transport}`, atlanta),
        port: 6200,
        transport,
        outbound: `sip:${atlanta.domain.name};transport=${transport};lr`,
        answers: 'manual',
      }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    anna.call(ben.aor);
    await Promise.all([anna.state('StreamsRunning'), ben.state('StreamsRunning')]);

    const callIds = new Set(requestsOf(anna.trace, 'INVITE').flatMap((one) => one.header('Call-ID')));
    expect(callIds.size).toBe(2);
    expect(requestsOf(ben.trace, 'INVITE')[0]?.header('Via')).toHaveLength(2);
    expect(atlanta.calls(marks.atlanta)).toEqual([
      expect.objectContaining({ aor: ben.aor, code: 302 }),
      expect.objectContaining({ code: 407 }),
      expect.objectContaining({ why: expect.stringContaining(`forwarded to ${transport}:10.1.0.1:7200`) }),
    ]);
    expect(biloxi.calls(marks.biloxi)).toEqual([]);
    // The callee's BYE comes back by the signed Record-Route.
    ben.hangUp();
    await anna.state('Released');
    expect(requestsOf(anna.trace, 'BYE')[0]?.header('Via')).toHaveLength(2);
  });
});
