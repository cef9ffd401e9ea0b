// Abuse as a whole server meets it: phones that share an address, guessers, names that are tried, floods.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { login, passwordOf, userLines } from '../../support/accounts.ts';
import { statusOf } from '../../support/admin-client.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { inParallel, type SipAnswer, SipClient } from '../../support/sip-client.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const REALM = 'biloxi.example';
const OFFICE = '127.0.0.21';
const OTHERS = '127.0.0.22';

const phoneAt = async (host: string): Promise<SipClient> => {
  const client = await SipClient.open(host);
  closers.push(() => client.close());
  return client;
};

/** A server that trusts no address, as one on the Internet. */
const server = async (
  users: readonly string[],
  { auth = {}, publication = 'local' }: { auth?: object; publication?: string } = {},
): Promise<TestServer> => {
  const lines = parseUserFile(userLines(REALM, users));
  if (!lines.ok) throw new Error('a line of ours is none');
  const domain = makeDomain(REALM);
  const started = await startServer({
    domain,
    trust: trustOf([domain]),
    users: lines.value,
    config: {
      publication,
      sip: { auth: { mode: 'digest', usersFile: 'given', ...auth } },
      limits: { trusted: [] },
    },
  });
  closers.push(() => started.app.stop());
  return started;
};

const users = (count: number): string[] => Array.from({ length: count }, (_, index) => `user${index}`);

/** How long a test waits for an answer that doesn't come: one repetition is dropped as well. */
const SILENCE_MS = 700;
const silent = (answer: Promise<SipAnswer>): Promise<boolean> =>
  answer.then(
    () => false,
    () => true,
  );

describe('an office behind one address', () => {
  test('a phone with a wrong password keeps none of the fifty others off, nor gets the address banned', async () => {
    const right = users(50);
    const { sip, admin } = await server([...right, 'wrong']);
    const phone = await phoneAt(OFFICE);
    const register = async (cseq: number): Promise<number[]> => {
      const codes: number[] = [];
      await inParallel(right.length, 10, async (index) => {
        const user = right[index] ?? '';
        const answer = await login(phone, sip, {
          user,
          realm: REALM,
          cseq,
          contact: `sip:${user}@${OFFICE}`,
        });
        codes.push(answer.status);
      });
      return codes;
    };
    const wrong = await phoneAt(OFFICE);
    const bursts = async (from: number): Promise<number[]> => {
      const codes: number[] = [];
      // baresip sends 16 at once; this one goes on and on.
      for (let at = from; at < from + 100; at += 1)
        codes.push(
          (await login(wrong, sip, { user: 'wrong', realm: REALM, password: 'x', cseq: at })).status,
        );
      return codes;
    };
    const [first, refused] = await Promise.all([register(1), bursts(1)]);
    const [second, again] = await Promise.all([register(2), bursts(101)]);

    expect([...first, ...second]).toEqual(new Array(100).fill(200));
    expect([...refused, ...again]).toEqual(new Array(200).fill(401));
    expect((await statusOf(admin)).bans).toBe(0);
  });

  test('an address that guesses at many users is not heard any more, over UDP and TCP, and others are', async () => {
    const { sip, tcp, admin } = await server(['alice', ...users(20)]);
    const guesser = await phoneAt(OFFICE);
    const alice = await phoneAt(OTHERS);
    for (const user of users(9))
      for (let cseq = 1; cseq <= 6; cseq += 1)
        await login(guesser, sip, { user, realm: REALM, password: 'x', cseq, giveUpMs: SILENCE_MS }).catch(
          () => undefined,
        );

    expect((await statusOf(admin)).bans).toBe(1);
    const known = { user: 'user15', realm: REALM, cseq: 1 };
    expect(await silent(login(guesser, sip, { ...known, giveUpMs: SILENCE_MS }))).toBe(true);
    expect((await login(alice, sip, { user: 'alice', realm: REALM, cseq: 1 })).status).toBe(200);

    const bans = `http://127.0.0.1:${admin.port}/api/v1/bans`;
    expect(await (await fetch(bans)).json()).toMatchObject({ bans: [{ source: OFFICE }] });
    // A connection from there is closed before a byte is read.
    const connection = connect({ ...tcp, localAddress: OFFICE });
    connection.on('error', () => undefined);
    await once(connection, 'close');
    expect(connection.bytesRead).toBe(0);
    expect((await fetch(`${bans}?source=${OFFICE}`, { method: 'DELETE' })).status).toBe(200);
    expect((await login(guesser, sip, { ...known, cseq: 2 })).status).toBe(200);
  });
});

describe('names that are tried', () => {
  /** What can be told from an answer: everything but what must differ between two requests. */
  const told = (answer: SipAnswer, user: string): string =>
    answer.text
      .replace(/branch=[^;\r]+/g, 'branch')
      .replace(/tag=[^;\r]+/g, 'tag')
      .replace(/nonce="[^"]+"/g, 'nonce')
      .replace(/^(Call-ID|Date): .*$/gm, '$1')
      .replaceAll(user, 'USER');

  const try_ = async (
    { sip }: TestServer,
    phone: SipClient,
    method: string,
    user: string,
  ): Promise<string> => {
    const aor = `sip:${user}@${REALM}`;
    const headers =
      method === 'SUBSCRIBE' ? ['Event: message-summary'] : method === 'PUBLISH' ? ['Event: presence'] : [];
    const answer = await phone.ask(sip, {
      method,
      uri: aor,
      from: 'sip:x@elsewhere.example',
      to: aor,
      headers,
    });
    return told(answer, user);
  };

  test.each(['INVITE', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH', 'REFER'])(
    'with hideUsers %s tells nothing of who exists',
    async (method) => {
      // Names of one length: the answer repeats them.
      const world = await server(['alice'], { publication: 'public', auth: { hideUsers: true } });
      await world.app.ready;
      const phone = await phoneAt(OTHERS);
      const unbound = await try_(world, phone, method, 'alice');
      const unknown = await try_(world, phone, method, 'carol');
      expect(unknown).toEqual(unbound);
    },
  );

  test('without it a caller is told that there is no such user', async () => {
    const world = await server(['alice']);
    const phone = await phoneAt(OTHERS);
    const codes = [];
    for (const user of ['alice', 'carol'])
      codes.push((await phone.invite(world.sip, `sip:${user}@${REALM}`)).status);
    expect(codes).toEqual([480, 404]);
  });

  test.each([false, true])('REGISTER tells nothing in any case (hideUsers: %s)', async (hideUsers) => {
    const { sip } = await server(['alice'], { auth: { hideUsers } });
    const phone = await phoneAt(OTHERS);
    const answers: string[] = [];
    for (const user of ['alice', 'carol'])
      answers.push(told(await login(phone, sip, { user, realm: REALM, password: 'x', cseq: 1 }), user));
    expect(answers[1]).toBe(answers[0]);
    expect(answers[0]).toMatch(/^SIP\/2\.0 401 /);
  });
});

test('three thousand requests for a challenge leave nothing behind', async () => {
  const { sip, admin } = await server(['alice']);
  const phone = await phoneAt(OTHERS);
  const aor = `sip:alice@${REALM}`;
  await inParallel(3_000, 200, async (index) => {
    const ask = { method: 'REGISTER', uri: `sip:${REALM}`, from: aor, to: aor, callId: `flood${index}` };
    if ((await phone.ask(sip, ask)).status !== 401) throw new Error('no challenge');
  });
  const metrics = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text();
  expect(metrics).toMatch(/^chordial_auth_guard_entries 0$/m);
  expect(metrics).toMatch(/^chordial_sip_pending 0$/m);
  expect(
    (await login(phone, sip, { user: 'alice', realm: REALM, password: passwordOf('alice'), cseq: 1 })).status,
  ).toBe(200);
});
