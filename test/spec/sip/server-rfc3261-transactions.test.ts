// What a server does beside its transactions, over real sockets: refusals, OPTIONS (RFC 3261 §11), deadlines, draining.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServerTransaction } from '../../../src/sip/types.ts';
import type { UdpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';
import { type SipWorld, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
let phone: UdpPeer;
/** The INVITEs that came to the handler, and how to wait for the next. */
let invites: ServerTransaction[];
let nextInvite: () => Promise<ServerTransaction>;

beforeEach(async () => {
  world = await sipWorld();
  phone = await world.udpPeer();
  invites = [];
  let tell: (transaction: ServerTransaction) => void = () => undefined;
  let coming = new Promise<ServerTransaction>((resolve) => {
    tell = resolve;
  });
  nextInvite = () => coming;
  world.server.handle('INVITE', (transaction) => {
    invites.push(transaction);
    tell(transaction);
    coming = new Promise((resolve) => {
      tell = resolve;
    });
    return new Promise(() => undefined);
  });
});
afterEach(() => world.close());

const via = () => `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKone`;
const send = (given: Parameters<typeof requestText>[0]) =>
  phone.send(requestText({ via: via(), ...given }), world.udp);
const status = async () => (await phone.next()).text.split('\r\n', 1)[0];
const header = (text: string, name: string) => new RegExp(`^${name}: (.*)\\r$`, 'm').exec(text)?.[1];

describe('INVITE', () => {
  test('whose handler hangs gets 504 after 3 s', async () => {
    const coming = nextInvite();
    send({ method: 'INVITE' });
    await coming;
    world.clock.advance(3000);
    expect(await status()).toBe('SIP/2.0 100 Trying');
    expect(await status()).toMatch(/^SIP\/2\.0 504 /);
  });
});

describe('what is refused', () => {
  test.each([
    ['a method that nobody knows', { method: 'NEWMETHOD' }, 501],
    ['a method that is not served here', { method: 'PUBLISH' }, 405],
    ['a scheme that is not ours', { method: 'INVITE', uri: 'nobodyKnowsThisScheme:x' }, 416],
    ['the last hop', { method: 'INVITE', maxForwards: 0 }, 483],
    ['an unknown extension', { method: 'INVITE', headers: ['Require: nothingSupportsThis'] }, 420],
    ['a user nobody serves', { method: 'OPTIONS', uri: 'sip:bob@example.com' }, 404],
  ])('%s (§8.2)', async (_what, given, code) => {
    send(given);
    expect(await status()).toMatch(new RegExp(`^SIP/2\\.0 ${code} `));
    expect(world.count('chordial_sip_requests_total', `code="${code}"`)).toBe(1);
  });

  test('405 and 501 list what is allowed; 420 lists what is not supported', async () => {
    send({ method: 'NEWMETHOD' });
    expect(header((await phone.next()).text, 'Allow')).toBe('INVITE, ACK, CANCEL, OPTIONS');
    send({ method: 'INVITE', headers: ['Require: nothingSupportsThis, 100rel'] });
    expect(header((await phone.next()).text, 'Unsupported')).toBe('nothingSupportsThis');
  });

  test('an ACK and a response are never answered, however bad', async () => {
    send({ method: 'ACK', headers: ['Require: nothingSupportsThis'] });
    phone.send(requestText({ method: 'ACK', via: via() }).replace('Call-ID: call-1\r\n', ''), world.udp);
    phone.send(
      requestText({ via: via() }).replace('INVITE sip:bob@example.com SIP/2.0', 'SIP/2.0 200 OK'),
      world.udp,
    );
    send({ method: 'OPTIONS', uri: 'sip:example.com', via: `${via()}2`, callId: 'fence' });

    expect(await status()).toBe('SIP/2.0 200 OK');
    expect(phone.unread).toBe(0);
    expect(world.count('chordial_sip_dropped_total')).toBe(3);
  });

  test('a broken request: 400 with a reason, and 505 for another version (§7.1)', async () => {
    phone.send(requestText({ via: via() }).replace('CSeq: 1 INVITE', 'CSeq: x INVITE'), world.udp);
    expect(await status()).toMatch(/^SIP\/2\.0 400 Bad Request: .+/);
    phone.send(requestText({ via: via() }).replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), world.udp);
    expect(await status()).toMatch(/^SIP\/2\.0 505 /);
  });
});

test('OPTIONS to the server tells what it can do (§11.2)', async () => {
  send({ method: 'OPTIONS', uri: 'sip:example.com' });
  const { text } = await phone.next();
  expect(header(text, 'Allow')).toBe('INVITE, ACK, CANCEL, OPTIONS');
  expect(header(text, 'Accept')).toBe('*/*');
  expect(header(text, 'Supported')).toBe('path');
});

test('a handler that throws is a 500 and an error line, and the server goes on', async () => {
  world.server.handle('MESSAGE', async () => {
    throw new Error('boom');
  });
  send({ method: 'MESSAGE' });
  expect(await status()).toMatch(/^SIP\/2\.0 500 /);
  expect(world.errors).toEqual(['a handler failed']);
});

test('a response goes to whoever takes responses', async () => {
  const taken = new Promise<number>((resolve) => {
    world.server.handleResponses((response) => resolve(response.status));
  });
  phone.send(
    requestText({ via: via() }).replace('INVITE sip:bob@example.com SIP/2.0', 'SIP/2.0 180 Ringing'),
    world.udp,
  );
  expect(await taken).toBe(180);
});

test('draining refuses what is new without Retry-After and waits for what is under way', async () => {
  const coming = nextInvite();
  send({ method: 'INVITE' });
  const transaction = await coming;

  const drained = world.server.drain();
  send({ method: 'INVITE', via: `${via()}2`, callId: 'second' });
  const { text } = await phone.next();
  expect(text.startsWith('SIP/2.0 503 ')).toBe(true);
  expect(header(text, 'Retry-After')).toBeUndefined();
  transaction.reply({ status: 404 });
  await drained;
  expect(await status()).toMatch(/^SIP\/2\.0 404 /);
});
