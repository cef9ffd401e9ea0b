import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Baresip } from './support/baresip.ts';
import { Linphone } from './support/linphone.ts';
import { account, openScene, type Scene, started } from './support/scene.ts';
import { firstRequest, requestsOf } from './support/sip-trace.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({
    atlanta: ['alice', 'anna', 'adam', 'amy'],
    biloxi: ['bob', 'ben', 'bill', 'bea'],
    chicago: [],
  });
});

afterAll(() => scene?.close());

describe('linphone over udp', () => {
  test("calls another domain's linphone, straight from phone to phone", async () => {
    const { place, atlanta, biloxi } = scene;
    const bob = await started(
      new Linphone(place, { ...account('bob', biloxi), port: 7000, answers: 'auto' }),
    );
    const alice = await started(
      new Linphone(place, { ...account('alice', atlanta), port: 6000, answers: 'manual' }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    alice.call(bob.aor);
    await Promise.all([alice.state('StreamsRunning'), bob.state('StreamsRunning')]);

    expect((await firstRequest(bob.program, 'INVITE')).header('Via')).toHaveLength(1);
    expect(await biloxi.calls(marks.biloxi, 1)).toEqual([
      expect.objectContaining({ aor: bob.aor, code: 302 }),
    ]);
    expect(await atlanta.calls(marks.atlanta, 0)).toEqual([]);
    alice.hangUp();
    await bob.state('Released');
  });

  test('sends the redirected INVITE back to its registrar, which challenges and forwards it', async () => {
    const { place, atlanta, biloxi } = scene;
    const ben = await started(
      new Linphone(place, { ...account('ben', biloxi), port: 7200, answers: 'auto' }),
    );
    const anna = await started(
      new Linphone(place, {
        ...account('anna', atlanta),
        port: 6200,
        outbound: 'sip:atlanta.example;lr',
        answers: 'manual',
      }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    anna.call(ben.aor);
    await Promise.all([anna.state('StreamsRunning'), ben.state('StreamsRunning')]);

    const callIds = new Set(requestsOf(anna.program, 'INVITE').flatMap((one) => one.header('Call-ID')));
    expect(callIds.size).toBe(2);
    expect((await firstRequest(ben.program, 'INVITE')).header('Via')).toHaveLength(2);
    expect(await atlanta.calls(marks.atlanta, 3)).toEqual([
      expect.objectContaining({ aor: ben.aor, code: 302 }),
      expect.objectContaining({ code: 407 }),
      expect.objectContaining({ why: 'forwarded to udp:10.1.0.1:7200' }),
    ]);
    expect(await biloxi.calls(marks.biloxi, 0)).toEqual([]);
    // The callee's BYE comes back by the signed Record-Route.
    ben.hangUp();
    await anna.state('Released');
    expect((await firstRequest(anna.program, 'BYE')).header('Via')).toHaveLength(2);
  });
});

// Over TCP linphone's Contact is the port of its own connection, which only its registrar reaches: here it calls a phone
// that listens.
describe('linphone over tcp', () => {
  test("calls another domain's baresip, straight from phone to phone", async () => {
    const { place, atlanta, biloxi } = scene;
    const callee = {
      ...account('bill', biloxi),
      address: '10.1.0.102',
      port: 6000,
      answers: 'auto',
    } as const;
    const bill = await started(new Baresip(place, { ...callee, transport: 'tcp' }));
    const adam = await started(
      new Linphone(place, { ...account('adam', atlanta), port: 6400, transport: 'tcp', answers: 'manual' }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    adam.call(bill.aor);
    await Promise.all([adam.state('StreamsRunning'), bill.event('CALL_ESTABLISHED')]);

    expect((await firstRequest(bill.program, 'INVITE')).header('Via')).toHaveLength(1);
    expect(await biloxi.calls(marks.biloxi, 1)).toEqual([
      expect.objectContaining({ aor: bill.aor, code: 302 }),
    ]);
    expect(await atlanta.calls(marks.atlanta, 0)).toEqual([]);
    adam.hangUp();
    await bill.event('CALL_CLOSED');
  });

  test('sends the redirected INVITE back to its registrar, which challenges and forwards it', async () => {
    const { place, atlanta, biloxi } = scene;
    const callee = { ...account('bea', biloxi), address: '10.1.0.104', port: 6000, answers: 'auto' } as const;
    const bea = await started(new Baresip(place, { ...callee, transport: 'tcp' }));
    const amy = await started(
      new Linphone(place, {
        ...account('amy', atlanta),
        port: 6600,
        transport: 'tcp',
        outbound: 'sip:atlanta.example;transport=tcp;lr',
        answers: 'manual',
      }),
    );
    const marks = { atlanta: atlanta.mark, biloxi: biloxi.mark };

    amy.call(bea.aor);
    await Promise.all([amy.state('StreamsRunning'), bea.event('CALL_ESTABLISHED')]);

    expect(await atlanta.calls(marks.atlanta, 3)).toEqual([
      expect.objectContaining({ aor: bea.aor, code: 302 }),
      expect.objectContaining({ code: 407 }),
      expect.objectContaining({ why: 'forwarded to tcp:10.1.0.104:6000' }),
    ]);
    expect(await biloxi.calls(marks.biloxi, 0)).toEqual([]);
    // The callee's BYE comes back by the signed Record-Route, and down the caller's own connection.
    bea.hangUp();
    await amy.state('Released');
    expect((await firstRequest(amy.program, 'BYE')).header('Via')).toHaveLength(2);
  });
});
