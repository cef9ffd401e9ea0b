// The forwarder among fake sockets: requests, answers, CANCEL and ACK, streams and datagrams, what is remembered.
import { describe, expect, test } from 'vitest';
import type { Dns } from '../../../src/runtime/dns.ts';
import { FakeFlow, FakeTransaction } from '../../support/forward-fakes.ts';
import { DEFAULT_VIA, type GivenRequest, requestOf } from '../../support/forward-messages.ts';
import { ForwardWorld, settled, startOf, valuesOf } from '../../support/forward-world.ts';

const branchOf = (sent: string | undefined): string =>
  /branch=([^;]*)/.exec(valuesOf(sent, 'Via')[0] ?? '')?.[1] ?? '';
const TCP_VIA = 'SIP/2.0/TCP 192.0.2.50:5070;branch=z9hG4bKt1';

describe('a request (RFC 3261 §16.6, §16.11)', () => {
  test('goes to its Request-URI with our Via, one hop less and our Record-Route', async () => {
    const world = new ForwardWorld();
    const { outcome, transaction } = await world.forward({});
    const [sent] = world.callee.sent;
    expect(outcome).toEqual({ kind: 'sent', hop: { transport: 'udp', host: '192.0.2.7', port: 5062 } });
    expect(transaction.status).toBe('released');
    expect(startOf(sent)).toBe('INVITE sip:bob@192.0.2.7:5062 SIP/2.0');
    expect(valuesOf(sent, 'Via')).toEqual([
      expect.stringMatching(/^SIP\/2\.0\/UDP 192\.0\.2\.1:5060;/),
      DEFAULT_VIA,
    ]);
    expect(valuesOf(sent, 'Max-Forwards')).toEqual(['69']);
    expect(valuesOf(sent, 'Record-Route')).toEqual([
      expect.stringMatching(/^<sip:d1\.[^@]+@192\.0\.2\.1:5060;lr>$/),
    ]);
  });

  test('goes to its first Route', async () => {
    const world = new ForwardWorld();
    await world.forward({ uri: 'sip:bob@192.0.2.99' }, ['<sip:192.0.2.7:5062;lr>']);
    expect(startOf(world.callee.sent[0])).toBe('INVITE sip:bob@192.0.2.99 SIP/2.0');
    expect(valuesOf(world.callee.sent[0], 'Route')).toEqual(['<sip:192.0.2.7:5062;lr>']);
  });

  test.each<[string, GivenRequest, number]>([
    ['within a dialog', { method: 'BYE', to: '<sip:bob@example.com>;tag=b1' }, 0],
    ['that refreshes a dialog', { to: '<sip:bob@example.com>;tag=b1' }, 0],
    ['that stands alone', { method: 'MESSAGE' }, 0],
    ['that begins a subscription', { method: 'SUBSCRIBE' }, 1],
  ])('%s bears a Record-Route only where it begins a dialog', async (_, given, count) => {
    const world = new ForwardWorld();
    await world.forward(given);
    expect(valuesOf(world.callee.sent[0], 'Record-Route')).toHaveLength(count);
  });

  test('from TCP onto UDP bears two Record-Routes, so that each side finds its own (RFC 5658)', async () => {
    const world = new ForwardWorld();
    await world.forward({ vias: [TCP_VIA] }, [], new FakeFlow('tcp', { host: '192.0.2.50', port: 5070 }));
    expect(
      valuesOf(world.callee.sent[0], 'Record-Route').map((value) => value.replace(/d1[^@]*/, 't')),
    ).toEqual(['<sip:t@192.0.2.1:5060;lr>', '<sip:t@192.0.2.1:5060;transport=tcp;lr>']);
  });

  test('bears a token that lets the rest of the dialog pass', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    const [, token = ''] =
      /<sip:([^@]*)@/.exec(valuesOf(world.callee.sent[0], 'Record-Route')[0] ?? '') ?? [];
    expect(world.tokens.check(token, { callId: 'call-1', callerTag: 'a1' }, world.clock.wallMs())).toBe(true);
  });

  test('"a retransmitted request MUST be forwarded to the same destination", byte for byte', async () => {
    const world = new ForwardWorld({ max: 0 });
    await world.forward({});
    world.clock.advance(4000);
    expect(world.again({})).toBe(false);
    await world.forward({});
    expect(world.callee.sent).toEqual([world.callee.sent[0], world.callee.sent[0]]);
  });

  test('retransmitted after everything was forgotten bears the same branch and the same Record-Route', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    world.restarted();
    await world.forward({});
    expect(world.callee.sent[1]).toBe(world.callee.sent[0]);
  });

  test.each<[string, GivenRequest, number]>([
    ['with Max-Forwards 0', { maxForwards: 0 }, 483],
    ['to an unreadable URI', { uri: 'sip:bob@' }, 400],
    ['that leads back here', { uri: 'sip:bob@192.0.2.1:5060' }, 482],
    ['over TLS, which we do not speak', { uri: 'sips:bob@192.0.2.7' }, 500],
    ['to a name that does not exist (§16.5: no target)', { uri: 'sip:bob@nowhere.example' }, 480],
  ])('%s is refused', async (_, given, status) => {
    const world = new ForwardWorld();
    const { transaction } = await world.forward(given);
    expect(transaction.status).toBe(status);
    expect([...world.flows.values()].flatMap(({ sent }) => sent)).toEqual([]);
  });

  test('to a name that DNS does not answer for is a 504, which says so (§21.5.5)', async () => {
    const world = new ForwardWorld({ dns: { srv: async () => ({ kind: 'unavailable' }) } });
    const { transaction } = await world.forward({ uri: 'sip:bob@nowhere.example' });
    expect(transaction.replies).toEqual([{ status: 504, reason: 'No Answer From DNS' }]);
  });

  test('to a name with a server is not refused because another question had no answer', async () => {
    const world = new ForwardWorld({
      dns: {
        naptr: async () => ({ kind: 'unavailable' }),
        addresses: async () => ({ kind: 'found', records: ['192.0.2.7'] }),
      },
    });
    const { transaction } = await world.forward({ uri: 'sip:bob@other.example' });
    expect(transaction.status).toBe('released');
  });

  test('without a target tells the caller in the reason phrase why (§21.4.18)', async () => {
    const { transaction } = await new ForwardWorld().forward({ uri: 'sip:bob@nowhere.example' });
    expect(transaction.replies).toEqual([{ status: 480, reason: 'No Server Found For This Domain' }]);
  });

  test('to a name whose address is ours is refused: it would come back', async () => {
    const world = new ForwardWorld({
      dns: { addresses: async () => ({ kind: 'found', records: ['192.0.2.1'] }) },
    });
    expect((await world.forward({ uri: 'sip:bob@other.example' })).transaction.status).toBe(482);
  });

  test('that comes back unchanged has looped', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    const vias = ['SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKp1', ...valuesOf(world.callee.sent[0], 'Via')];
    expect((await world.forward({ vias })).transaction.status).toBe(482);
  });

  test('that comes back with another Request-URI is a spiral, and goes on', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    const vias = ['SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKp1', ...valuesOf(world.callee.sent[0], 'Via')];
    const { transaction } = await world.forward({ vias, uri: 'sip:carol@192.0.2.7:5062', maxForwards: 68 });
    expect(transaction.status).toBe('released');
  });

  test('that was cancelled meanwhile asks DNS for none of the names that are left', async () => {
    const asked: string[] = [];
    const world = new ForwardWorld({
      dns: {
        srv: async () => ({
          kind: 'found',
          records: ['a', 'b', 'c'].map((name) => ({ priority: 0, weight: 0, name, port: 5060 })),
        }),
        addresses: async (name) => {
          asked.push(name);
          transaction.cancelled = true;
          return { kind: 'none' };
        },
      },
    });
    const request = requestOf({ uri: 'sip:bob@example.com' });
    const transaction = new FakeTransaction(request, world.caller);
    const outcome = await world.forwarder.forward(transaction, { uri: request.uri, routes: [] }, 0);
    expect(outcome).toEqual({ kind: 'abandoned' });
    expect(asked).toHaveLength(1);
  });

  test('that was cancelled while its way was looked for goes nowhere', async () => {
    const world = new ForwardWorld({
      dns: {
        addresses: async () => {
          transaction.cancelled = true;
          return { kind: 'found', records: ['192.0.2.7'] };
        },
      },
    });
    const request = requestOf({ uri: 'sip:bob@example.com:5062' });
    const transaction = new FakeTransaction(request, world.caller);
    const outcome = await world.forwarder.forward(transaction, { uri: request.uri, routes: [] }, 0);
    expect(outcome).toEqual({ kind: 'abandoned' });
    expect(world.callee.sent).toEqual([]);
  });
});

describe('the next hop that does not answer the knock', () => {
  const records = ['192.0.2.8', '192.0.2.9'];
  const dns: Partial<Dns> = { addresses: async () => ({ kind: 'found', records }) };
  const uri = 'sip:bob@example.com:5062;transport=tcp';

  test('is passed over for the next one', async () => {
    const world = new ForwardWorld({ dns });
    world.unreachable.add('tcp 192.0.2.8 5062');
    const { outcome } = await world.forward({ uri });
    expect(outcome).toMatchObject({
      kind: 'sent',
      hop: { transport: 'tcp', host: '192.0.2.9', port: 5062 },
    });
  });

  test('is passed over too where its connection takes nothing', async () => {
    const world = new ForwardWorld({ dns });
    world.flow('tcp', '192.0.2.8', 5062).takes = false;
    await world.forward({ uri });
    expect(world.flow('tcp', '192.0.2.9', 5062).sent).toHaveLength(1);
  });

  test('is not remembered: a retransmission looks for a way anew', async () => {
    const world = new ForwardWorld();
    world.flow('tcp', '192.0.2.7', 5062).takes = false;
    const given = { uri: 'sip:bob@192.0.2.7:5062;transport=tcp' };
    expect((await world.forward(given)).transaction.status).toBe(500);
    expect(world.again(given)).toBe(false);
  });

  test('is told as 500 where it was the last (§16.9, §16.7 step 6)', async () => {
    const world = new ForwardWorld({ dns });
    world.unreachable.add('tcp 192.0.2.8 5062').add('tcp 192.0.2.9 5062');
    const { transaction, outcome } = await world.forward({ uri });
    expect(transaction.status).toBe(500);
    expect(outcome).toMatchObject({
      why: 'no way to the next hop: tcp:192.0.2.8:5062, tcp:192.0.2.9:5062',
    });
  });
});

describe('CANCEL and ACK', () => {
  test('a CANCEL after a minute of ringing follows its INVITE with the same branch, Request-URI and Route', async () => {
    const world = new ForwardWorld({
      dns: { addresses: async () => ({ kind: 'found', records: ['192.0.2.7'] }) },
    });
    await world.forward({ uri: 'sip:bob@example.com:5062' }, ['<sip:example.com:5062;lr>']);
    world.answer(world.callee.sent[0], 180);
    world.clock.advance(60_000);
    const dnsChanged = world.asked.length;
    expect(world.again({ method: 'CANCEL', uri: 'sip:bob@example.com:5062' })).toBe(true);
    const [invite, cancel] = world.callee.sent;
    expect(startOf(cancel)).toBe('CANCEL sip:bob@example.com:5062 SIP/2.0');
    expect(branchOf(cancel)).toBe(branchOf(invite));
    expect(valuesOf(cancel, 'Route')).toEqual(valuesOf(invite, 'Route'));
    expect(valuesOf(cancel, 'Record-Route')).toEqual([]);
    expect(world.asked).toHaveLength(dnsChanged);
  });

  test('the ACK to a refusal follows its INVITE with the same branch', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    world.answer(world.callee.sent[0], 486);
    expect(world.again({ method: 'ACK', to: '<sip:bob@example.com>;tag=b1' })).toBe(true);
    const [invite, ack] = world.callee.sent;
    expect(startOf(ack)).toBe('ACK sip:bob@192.0.2.7:5062 SIP/2.0');
    expect(branchOf(ack)).toBe(branchOf(invite));
  });

  test('the ACK to a 200 is forwarded as a request of its own', async () => {
    const world = new ForwardWorld();
    const given = {
      method: 'ACK',
      vias: [DEFAULT_VIA.replace('bKa1', 'bKa2')],
      to: '<sip:bob@example.com>;tag=b1',
    };
    expect(world.again(given)).toBe(false);
    const { transaction } = await world.forward(given);
    expect(transaction.status).toBe('released');
    expect(startOf(world.callee.sent[0])).toBe('ACK sip:bob@192.0.2.7:5062 SIP/2.0');
  });

  test.each<[string, GivenRequest]>([
    ['a CANCEL for nothing', { method: 'CANCEL', callId: 'other' }],
    ['a CANCEL with another branch', { method: 'CANCEL', vias: [DEFAULT_VIA.replace('bKa1', 'bKa2')] }],
    ['another method with the branch of an INVITE', { method: 'BYE' }],
  ])('%s is not taken', async (_, given) => {
    const world = new ForwardWorld();
    await world.forward({});
    expect(world.again(given)).toBe(false);
    expect(world.callee.sent).toHaveLength(1);
  });

  test.each(['CANCEL', 'ACK'])('a %s of anything but an INVITE is not taken', async (method) => {
    const world = new ForwardWorld();
    await world.forward({ method: 'MESSAGE' });
    expect(world.again({ method })).toBe(false);
  });

  test('a CANCEL 32 s after the final answer is not taken any more', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    world.answer(world.callee.sent[0], 200);
    world.clock.advance(32_000);
    expect(world.again({ method: 'CANCEL' })).toBe(false);
  });
});

describe('an answer', () => {
  test.each([180, 200, 302, 486, 603])('%i goes back without our Via', async (status) => {
    const world = new ForwardWorld();
    await world.forward({});
    world.answer(world.callee.sent[0], status);
    expect(world.caller.sent.map(startOf)).toEqual([`SIP/2.0 ${status} Reason`]);
    expect(valuesOf(world.caller.sent[0], 'Via')).toEqual([DEFAULT_VIA]);
  });

  test('100 of a request that is not held goes back too (§16.11: "including provisional")', async () => {
    const world = new ForwardWorld({ max: 0 });
    await world.forward({});
    world.answer(world.callee.sent[0], 100);
    await settled();
    expect(world.caller.sent.map(startOf)).toEqual(['SIP/2.0 100 Reason']);
  });

  test('goes to the port of sent-by where the caller did not ask for rport, by the socket the request came to', async () => {
    const world = new ForwardWorld();
    const via = 'SIP/2.0/UDP 192.0.2.50:5099;branch=z9hG4bKa1';
    await world.forward({ vias: [via] });
    expect(world.asked).toContainEqual({
      transport: 'udp',
      host: '192.0.2.50',
      port: 5099,
      local: world.caller.local,
    });
    world.answer(world.callee.sent[0], 200);
    expect(world.flow('udp', '192.0.2.50', 5099).sent).toHaveLength(1);
    expect(world.caller.sent).toEqual([]);
  });

  test('goes back after a restart, to where the request came from', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    world.restarted();
    world.answer(world.callee.sent[0], 200);
    await settled();
    expect(world.caller.sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
  });

  test('finds the caller again where his connection is gone', async () => {
    const world = new ForwardWorld();
    const gone = new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });
    await world.forward({ vias: [TCP_VIA] }, [], gone);
    gone.open = false;
    world.answer(world.callee.sent[0], 200);
    await settled();
    expect(world.flow('tcp', '192.0.2.50', 5070).sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
  });

  test('goes nowhere else then, whatever the callee writes below our Via', async () => {
    const world = new ForwardWorld();
    const gone = new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });
    await world.forward({ vias: [TCP_VIA] }, [], gone);
    gone.open = false;
    const [top = ''] = valuesOf(world.callee.sent[0], 'Via');
    world.answer(world.callee.sent[0], 200, { vias: [top, 'SIP/2.0/UDP 127.0.0.1:9184;branch=z9hG4bKt1'] });
    await settled();
    expect(world.flow('udp', '127.0.0.1', 9184).sent).toEqual([]);
    expect(world.flow('tcp', '192.0.2.50', 5070).sent).toHaveLength(1);
  });

  test.each<[string, (vias: readonly string[]) => readonly string[]]>([
    ['without a Via of ours', (vias) => vias.slice(1)],
    ['with nothing below our Via', (vias) => vias.slice(0, 1)],
    ['with a branch of nobody', ([, ...below]) => ['SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx', ...below]],
    [
      'with the address of another server',
      ([top = '', ...below]) => [top.replace('192.0.2.1', '192.0.2.2'), ...below],
    ],
    [
      'aimed elsewhere',
      ([top = '', below = '']) => [top, below.replace(/received=[^;]*/, 'received=203.0.113.9')],
    ],
    ['aimed at another port', ([top = '', below = '']) => [top, below.replace(/rport=\d+/, 'rport=53')]],
  ])('%s is dropped after a restart', async (_, change) => {
    const world = new ForwardWorld();
    await world.forward({});
    const vias = change(valuesOf(world.callee.sent[0], 'Via'));
    world.restarted();
    world.answer(world.callee.sent[0], 200, { vias });
    await settled();
    expect([...world.flows.values()].filter((flow) => flow !== world.callee && flow.sent.length > 0)).toEqual(
      [],
    );
  });

  test('that is aimed elsewhere still goes to the caller while he is remembered', async () => {
    const world = new ForwardWorld();
    await world.forward({});
    const [top = '', below = ''] = valuesOf(world.callee.sent[0], 'Via');
    world.answer(undefined, 200, { vias: [top, below.replace(/received=[^;]*/, 'received=203.0.113.9')] });
    expect(world.caller.sent).toHaveLength(1);
    expect(world.flows.has('udp 203.0.113.9 5070')).toBe(false);
  });
});

describe('between a stream and datagrams', () => {
  const tcpCaller = () => new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });

  test('an INVITE from TCP is repeated onto UDP until something is answered', async () => {
    const world = new ForwardWorld();
    await world.forward({ vias: [TCP_VIA] }, [], tcpCaller());
    world.clock.advance(1600);
    expect(world.callee.sent).toHaveLength(3);
    world.answer(world.callee.sent[0], 100);
    world.clock.advance(30_000);
    expect(world.callee.sent).toHaveLength(3);
  });

  test('an INVITE from UDP that is not held is repeated by its caller alone', async () => {
    const world = new ForwardWorld({ max: 0 });
    await world.forward({});
    world.clock.advance(30_000);
    expect(world.callee.sent).toHaveLength(1);
  });

  test('an INVITE whose caller may have our 100 is repeated by us', async () => {
    const world = new ForwardWorld({
      dns: {
        addresses: async () => {
          world.clock.advance(400);
          return { kind: 'found', records: ['192.0.2.7'] };
        },
      },
    });
    await world.forward({ uri: 'sip:bob@example.com:5062' });
    world.clock.advance(600);
    expect(world.callee.sent).toHaveLength(2);
  });

  test('an INVITE that nobody answers gets 408 after 32 s, for its caller may have our 100', async () => {
    const world = new ForwardWorld();
    const caller = tcpCaller();
    await world.forward({ vias: [TCP_VIA] }, [], caller);
    world.clock.advance(10_000);
    await settled();
    world.clock.advance(22_000);
    expect(caller.sent.map(startOf)).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 408 Request Timeout']);
    expect(valuesOf(caller.sent[1], 'Via')).toEqual([TCP_VIA]);
  });

  test('anything but an INVITE that nobody answers gets a 100 and no 408 (RFC 4320 §4.1, §4.2)', async () => {
    const world = new ForwardWorld();
    const caller = tcpCaller();
    await world.forward({ method: 'MESSAGE', vias: [TCP_VIA] }, [], caller);
    world.clock.advance(3499);
    expect(caller.sent).toEqual([]);
    world.clock.advance(40_000);
    await settled();
    expect(caller.sent.map(startOf)).toEqual(['SIP/2.0 100 Trying']);
  });

  test('a refusal from TCP is repeated onto UDP until the ACK', async () => {
    const world = new ForwardWorld();
    await world.forward({ uri: 'sip:bob@192.0.2.7:5062;transport=tcp' });
    const callee = world.flow('tcp', '192.0.2.7', 5062);
    world.answer(callee.sent[0], 486, {}, callee);
    world.clock.advance(1600);
    expect(world.caller.sent).toHaveLength(3);
    world.again({ method: 'ACK', to: '<sip:bob@example.com>;tag=b1' });
    world.clock.advance(30_000);
    expect(world.caller.sent).toHaveLength(3);
  });

  test('a refusal that comes again over UDP is acknowledged again, for a caller on TCP will not', async () => {
    const world = new ForwardWorld();
    const caller = tcpCaller();
    await world.forward({ vias: [TCP_VIA] }, [], caller);
    world.answer(world.callee.sent[0], 486);
    world.again({ method: 'ACK', vias: [TCP_VIA], to: '<sip:bob@example.com>;tag=b1' });
    world.answer(world.callee.sent[0], 486);
    expect(caller.sent).toHaveLength(1);
    expect(world.callee.sent.map(startOf).map((line) => line.split(' ')[0])).toEqual([
      'INVITE',
      'ACK',
      'ACK',
    ]);
  });

  test('a 2xx that comes after a refusal was acknowledged still goes to a caller on TCP (§16.7 step 5)', async () => {
    const world = new ForwardWorld();
    const caller = tcpCaller();
    await world.forward({ vias: [TCP_VIA] }, [], caller);
    world.answer(world.callee.sent[0], 486);
    world.again({ method: 'ACK', vias: [TCP_VIA], to: '<sip:bob@example.com>;tag=b1' });
    world.answer(world.callee.sent[0], 200, { to: '<sip:bob@example.com>;tag=b2' });
    expect(caller.sent.map(startOf)).toEqual(['SIP/2.0 486 Reason', 'SIP/2.0 200 Reason']);
  });
});

describe('what is remembered', () => {
  test('never exceeds its bound, and what fell out is still forwarded', async () => {
    const world = new ForwardWorld({ max: 5 });
    for (let n = 0; n < 50; n += 1) await world.forward({ callId: `call-${n}` });
    world.answer(world.callee.sent[0], 200, { callId: 'call-0' });
    await settled();
    expect(world.caller.sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
  });
});
