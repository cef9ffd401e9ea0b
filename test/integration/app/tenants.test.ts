// Two domains on one registrar, as tenants: users of the same names that never meet, aliases, authentication names, a PBX.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestHa1 } from '../../../src/auth/digest.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { digestHeader, type SipAnswer, SipClient } from '../../support/sip-client.ts';
import { udpPeer } from '../../support/sip-peers.ts';

const domain = makeDomain('a.example');
const PBX = '127.0.0.9';
const password = (user: string, realm: string): string => `${user} of ${realm}`;
const line = (user: string, realm: string): string =>
  `${user}:${realm}:${digestHa1('MD5', { user, realm, password: password(user, realm) })}\n`;
const USERS = [
  line('alice', 'a.example'),
  line('alice', 'b.example'),
  line('bob', 'a.example'),
  line('a.smith', 'a.example'),
  '101:a.example:alias:alice\n',
  'a.smith:a.example:login:alice\n',
  'a.smith:a.example:login:desk\n',
].join('');

let server: TestServer;
let phone: SipClient;
let pbx: SipClient;

beforeAll(async () => {
  const users = parseUserFile(USERS);
  if (!users.ok) throw new Error(JSON.stringify(users.error));
  server = await startServer({
    domain,
    trust: trustOf([domain]),
    users: users.value,
    nonceSecrets: new Map([['b.example', Buffer.from('of the second alone, and long')]]),
    config: {
      domain: ['a.example', 'b.example'],
      publication: 'local',
      domains: { 'b.example': { aliases: ['sip.b.example'], auth: { trustedPeers: [PBX] } } },
      sip: { auth: { usersFile: 'given' } },
    },
  });
  phone = await SipClient.open();
  pbx = await SipClient.open(PBX);
});
afterAll(async () => {
  await phone.close();
  await pbx.close();
  await server.app.stop();
});

let cseq = 0;
const register = (user: string, host: string, headers: readonly string[] = []): Promise<SipAnswer> => {
  cseq += 1;
  const aor = `sip:${user}@${host}`;
  const ask = { method: 'REGISTER', uri: `sip:${host}`, from: aor, to: aor, callId: aor, cseq, headers };
  return phone.ask(server.sip, ask);
};
/** REGISTER, 401, and once more with the credentials of `as`. */
const login = async (
  user: string,
  host: string,
  headers: readonly string[],
  as: { readonly user: string; readonly password: string },
) => {
  const [challenge = ''] = (await register(user, host)).header('www-authenticate');
  return register(user, host, [
    ...headers,
    digestHeader(challenge, { ...as, method: 'REGISTER', uri: `sip:${host}` }),
  ]);
};
const own = (user: string, realm: string) => ({ user, password: password(user, realm) });
const contactOf = (answer: SipAnswer): readonly string[] =>
  answer.header('contact').map((value) => /<([^>]*)>/.exec(value)?.[1] ?? value);
const calls = async (user: string, host: string) => {
  const answer = await phone.invite(server.sip, `sip:${user}@${host}`);
  return [answer.status, ...contactOf(answer)];
};

describe('users of the same name in two domains', () => {
  test('have bindings of their own', async () => {
    const first = await login(
      'alice',
      'a.example',
      ['Contact: <sip:alice@192.0.2.1>'],
      own('alice', 'a.example'),
    );
    expect([first.status, contactOf(first)]).toEqual([200, ['sip:alice@192.0.2.1']]);
    expect(await calls('alice', 'b.example')).toEqual([480]);
    const other = await login(
      'alice',
      'b.example',
      ['Contact: <sip:alice@192.0.2.2>'],
      own('alice', 'b.example'),
    );
    expect([other.status, contactOf(other)]).toEqual([200, ['sip:alice@192.0.2.2']]);
    expect(await calls('alice', 'a.example')).toEqual([302, 'sip:alice@192.0.2.1']);
    expect(await calls('alice', 'sip.b.example')).toEqual([302, 'sip:alice@192.0.2.2']);
  });

  test('have passwords of their own', async () => {
    const wrong = { user: 'alice', password: password('alice', 'a.example') };
    expect((await login('alice', 'b.example', [], wrong)).status).toBe(401);
  });

  test('exist in their domain alone', async () => {
    expect((await login('bob', 'b.example', [], own('bob', 'a.example'))).status).toBe(401);
    expect(await calls('bob', 'b.example')).toEqual([404]);
  });

  test('have nonces of their own: one of a realm is not good in the other', async () => {
    for (const [from, to] of [
      ['a.example', 'b.example'],
      ['b.example', 'a.example'],
    ] as const) {
      const [challenge = ''] = (await register('alice', from)).header('www-authenticate');
      const moved = challenge.replace(`realm="${from}"`, `realm="${to}"`);
      const row = digestHeader(moved, { ...own('alice', to), method: 'REGISTER', uri: `sip:${to}` });
      const answer = await register('alice', to, ['Contact: <sip:alice@192.0.2.66>', row]);
      // Right but for the nonce: the phone is told to take the new one.
      expect([answer.status, answer.header('www-authenticate')[0]]).toEqual([
        401,
        expect.stringContaining(`realm="${to}"`),
      ]);
      expect(answer.header('www-authenticate')[0]).toContain('stale=true');
      expect(await calls('alice', to)).not.toContain('sip:alice@192.0.2.66');
    }
  });
});

describe('101 is alice', () => {
  test('in calls, in her domain alone', async () => {
    expect(await calls('101', 'a.example')).toEqual([302, 'sip:alice@192.0.2.1']);
    expect(await calls('101', 'b.example')).toEqual([404]);
  });

  test('in REGISTER with her credentials: the 200 lists all that is bound to alice', async () => {
    const answer = await login(
      '101',
      'a.example',
      ['Contact: <sip:101@192.0.2.3>'],
      own('alice', 'a.example'),
    );
    expect(answer.status).toBe(200);
    expect(contactOf(answer).toSorted()).toEqual(['sip:101@192.0.2.3', 'sip:alice@192.0.2.1']);
    expect(answer.header('to')[0]).toContain('<sip:101@a.example>');
    const removed = await login(
      'alice',
      'a.example',
      ['Contact: <sip:101@192.0.2.3>;expires=0'],
      own('alice', 'a.example'),
    );
    expect(contactOf(removed)).toEqual(['sip:alice@192.0.2.1']);
  });

  test('and nobody else: bob may not register it', async () => {
    expect((await login('101', 'a.example', [], own('bob', 'a.example'))).status).toBe(403);
  });
});

describe('a.smith is an authentication name', () => {
  test('of alice and of a desk phone', async () => {
    const smith = own('a.smith', 'a.example');
    expect((await login('alice', 'a.example', [], smith)).status).toBe(200);
    expect((await login('desk', 'a.example', ['Contact: <sip:desk@192.0.2.4>'], smith)).status).toBe(200);
    expect(await calls('desk', 'a.example')).toEqual([302, 'sip:desk@192.0.2.4']);
  });

  test('and no address of record: nobody is called by it', async () => {
    expect(await calls('a.smith', 'a.example')).toEqual([404]);
  });

  test('that is right and for another address of record gets 403, and hears whose it is', async () => {
    const answer = await login('bob', 'a.example', [], own('a.smith', 'a.example'));
    expect([answer.status, answer.header('warning')]).toEqual([
      403,
      ['399 chordial "the credentials are for another address of record: alice, desk"'],
    ]);
  });
});

describe('a PBX that the second domain trusts', () => {
  const ask = (by: SipClient, from: string, target: string) =>
    by.ask(server.sip, { method: 'MESSAGE', uri: target, from, to: target });
  /** The status of a MESSAGE to somebody elsewhere, who answers it; he hears of it only if it is forwarded. */
  const sends = async (by: SipClient, from: string): Promise<number> => {
    const callee = await udpPeer();
    const answered = ask(by, from, `sip:x@127.0.0.1:${callee.local.port}`).then(({ status }) => status);
    const heard = callee.next().then(({ text, from: proxy }) => {
      const rows = text.split('\r\n').filter((row) => /^(via|from|to|call-id|cseq):/i.test(row));
      callee.send(['SIP/2.0 200 OK', ...rows, 'Content-Length: 0', '', ''].join('\r\n'), proxy);
      return answered;
    });
    const status = await Promise.race([answered, heard]);
    await callee.close();
    return status;
  };

  test('needs no password for that domain’s users', async () => {
    expect(await sends(pbx, 'sip:200@b.example')).toBe(200);
  });

  test.each([
    ['another domain’s users', () => ask(pbx, 'sip:alice@a.example', 'sip:x@127.0.0.1:9'), 407],
    ['strangers', () => ask(pbx, 'sip:eve@evil.example', 'sip:x@127.0.0.1:9'), 403],
  ])('is not believed for %s', async (_, asked, status) => {
    expect((await asked()).status).toBe(status);
  });

  test('registers nobody without a password', async () => {
    const aor = 'sip:alice@b.example';
    const answer = await pbx.ask(server.sip, {
      method: 'REGISTER',
      uri: 'sip:b.example',
      from: aor,
      to: aor,
      headers: ['Contact: <sip:alice@127.0.0.9>'],
    });
    expect(answer.status).toBe(401);
  });

  test('is one as soon as SIGHUP says so', async () => {
    const { config } = server;
    await server.app.reload({ ...config, domains: { ...config.domains, 'b.example': { registrar: {} } } });
    expect(await sends(pbx, 'sip:200@b.example')).toBe(407);
    await server.app.reload(config);
    expect(await sends(pbx, 'sip:200@b.example')).toBe(200);
  });

  test('is nobody by another address', async () => {
    expect(await sends(phone, 'sip:200@b.example')).toBe(407);
  });
});

describe('what is refused is refused in words', () => {
  test('a REGISTER for a domain that is not ours', async () => {
    const answer = await register('alice', 'c.example');
    const why = 'host c.example is not a domain or alias of this registrar';
    expect(answer.text).toMatch(new RegExp(`^SIP/2\\.0 404 ${why}\r\n`));
    expect(answer.header('warning')).toEqual([`399 chordial "${why}"`]);
  });

  test('a stranger’s call to a domain that is not ours', async () => {
    const answer = await phone.invite(server.sip, 'sip:bob@c.example');
    expect([answer.status, answer.header('warning')]).toEqual([
      403,
      [
        `399 chordial "hosts c.example and elsewhere.example (From) aren't domains or aliases of mine: requests are forwarded for users of this registrar only"`,
      ],
    ]);
  });

  test('a call to a user who does not exist', async () => {
    const answer = await phone.invite(server.sip, 'sip:carol@a.example');
    expect([answer.status, answer.header('warning')]).toEqual([
      404,
      ['399 chordial "a.example has no user or alias of the name carol"'],
    ]);
  });
});
