// RFC 7616, section by section: every sentence that binds a server, at a registrar over UDP. RFC 8760 brings it to SIP.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  challengesOf,
  credentialsFor,
  type DigestClient,
  type DigestWorld,
  digestWorld,
  JASON,
  PASSWORD,
  REALM,
  type Said,
} from '../../support/digest-world.ts';

let world: DigestWorld;
let client: DigestClient;
beforeAll(async () => {
  world = await digestWorld(['SHA-256', 'MD5', 'SHA-512-256']);
});
afterAll(() => world.close());

/** One exchange each, from an address of its own: failures of one row slow no other. */
const fresh = async (): Promise<DigestClient> => {
  client = await world.client();
  return client;
};

describe('§3.2 representation of digest values', () => {
  test.each([
    ['MD5', 32],
    ['SHA-256', 64],
    ['SHA-512-256', 64],
  ] as const)('%s: %i hexadecimal digits', async (algorithm, digits) => {
    const phone = await fresh();
    const right = credentialsFor(await phone.challenge(algorithm));
    expect(/response="([0-9a-f]*)"/.exec(right)?.[1]).toHaveLength(digits);
    expect((await phone.ask([right])).status).toBe(200);
    expect((await phone.ask([right.replace(/(response="[0-9a-f]*)/, '$10')])).status).toBe(401);
  });

  test('digits in upper case, which some send, are the same digits', async () => {
    const phone = await fresh();
    const right = credentialsFor(await phone.challenge());
    const upper = right.replace(/response="[0-9a-f]*"/, (text) =>
      text.toUpperCase().replace('RESPONSE', 'response'),
    );
    expect((await phone.ask([upper])).status).toBe(200);
  });
});

describe('§3.3 the challenge', () => {
  test('401 and WWW-Authenticate, if no acceptable Authorization is sent', async () => {
    const answer = await (await fresh()).ask([]);
    expect(answer.status).toBe(401);
    expect(answer.header('WWW-Authenticate').every((value) => value.startsWith('Digest '))).toBe(true);
    expect(answer.header('WWW-Authenticate')).toHaveLength(3);
  });

  test('realm: "should contain at least the name of the host performing the authentication"', async () => {
    const { value } = await (await fresh()).challenge();
    expect(value).toContain(`realm="${REALM}"`);
  });

  test('nonce: "uniquely generated each time a 401 response is made", Base64', async () => {
    const phone = await fresh();
    const nonces = [await phone.challenge(), await phone.challenge()].map(({ nonce }) => nonce);
    expect(new Set(nonces).size).toBe(2);
    for (const nonce of nonces) expect(nonce).toMatch(/^[A-Za-z0-9_-]{40}$/);
  });

  test('opaque: none is given, and what a client makes up is of no account', async () => {
    const phone = await fresh();
    expect((await phone.challenge()).value).not.toContain('opaque');
    expect(
      (await phone.login({ params: { opaque: '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' } })).status,
    ).toBe(200);
  });

  test('stale: only if "it receives a request for which the nonce is invalid", with a digest that is right', async () => {
    const phone = await fresh();
    const other = (await (await fresh()).challenge()).nonce;
    const stale = await phone.login({ nonce: other });
    expect(stale.status).toBe(401);
    expect(stale.header('WWW-Authenticate').every((value) => /, stale=true$/.test(value))).toBe(true);
    const wrong = await phone.login({ nonce: other, password: 'x' });
    expect(wrong.text).not.toContain('stale');
    expect((await phone.login({ password: 'x' })).text).not.toContain('stale');
    expect((await phone.ask([])).text).not.toContain('stale');
  });

  test('algorithm: "If this is not present, it is assumed to be MD5"', async () => {
    expect((await (await fresh()).login({ params: { algorithm: undefined } })).status).toBe(200);
  });

  test('qop: always there, "auth" alone', async () => {
    for (const { value } of challengesOf(await (await fresh()).ask([])))
      expect(value).toMatch(/, qop="auth"(?:,|$)/);
  });

  test('domain: not sent; a registrar is one protection space', async () => {
    expect((await (await fresh()).challenge()).value).not.toContain('domain');
  });

  // An expected failure: "the server SHOULD set the userhash parameter with the value of "true"" (§3.4.4). The name that it
  // would hide stands in From and To of the same request, and RFC 8760 §2.7 has no such parameter for SIP.
  test.fails('userhash=true is offered (§3.4.4)', async () => {
    expect((await (await fresh()).challenge()).value).toContain('userhash=true');
  });

  // An expected failure: "In challenges, servers SHOULD use the "charset" authentication parameter" (§4). The challenge is kept
  // to the parameters that every desk phone was seen to take; a name or password beyond ASCII is taken as UTF-8 all the same.
  test.fails('charset=UTF-8 is said (§4)', async () => {
    expect((await (await fresh()).challenge()).value).toMatch(/charset="?UTF-8/i);
  });

  test('"a sender MUST only generate the quoted string syntax" for realm, nonce and qop, and "MUST NOT" for stale and algorithm', async () => {
    const answer = await (await fresh()).login({ nonce: 'x' });
    expect(answer.header('WWW-Authenticate')).toHaveLength(3);
    for (const value of answer.header('WWW-Authenticate'))
      expect(value).toMatch(
        /^Digest realm="[^"]+", nonce="[^"]+", algorithm=[A-Z0-9-]+, qop="auth", stale=true$/,
      );
  });
});

describe('§3.4 the credentials', () => {
  const LOGINS: readonly (readonly [why: string, status: number, said: Said])[] = [
    ['all parameters as the section has them', 200, {}],
    ['a wrong password', 401, { password: 'x' }],
    ['a user that nobody knows', 401, { user: 'nobody' }],
    ['username* in place of username', 200, { params: { username: undefined, 'username*': "UTF-8''%62ob" } }],
    ['username* with a language', 200, { params: { username: undefined, 'username*': "utf-8'en-GB'bob" } }],
    ['"both username and username*": an error', 401, { params: { 'username*': "UTF-8''bob" } }],
    [
      'username* in another charset',
      401,
      { params: { username: undefined, 'username*': "iso-8859-1''bob" } },
    ],
    ['username* that is malformed', 401, { params: { username: undefined, 'username*': "UTF-8''b%6" } }],
    [
      'username* and userhash=false, as in §3.9.2',
      200,
      { params: { username: undefined, 'username*': "UTF-8''bob", userhash: 'false' } },
    ],
    [
      'qop: "MUST be one of the alternatives the server indicated": auth-int was not',
      401,
      { qop: 'auth-int' },
    ],
    ['qop in quotes, as some write it', 200, { params: { qop: '"auth"' } }],
    ['qop that nobody knows', 401, { params: { qop: 'other' } }],
    ['algorithm "must be those supplied": a session variant was not', 401, { session: true }],
    ['algorithm in lower case', 200, { params: { algorithm: 'md5' } }],
    ['algorithm in quotes, as some write it', 200, { params: { algorithm: '"MD5"' } }],
    ['algorithm that nobody knows', 401, { params: { algorithm: 'CRC-32' } }],
    ['cnonce missing', 401, { params: { cnonce: undefined } }],
    ['nc missing', 401, { params: { nc: undefined } }],
    ['nc of another count than was hashed', 401, { params: { nc: '00000002' } }],
    ['response missing', 401, { params: { response: undefined } }],
    ['response empty', 401, { params: { response: '""' } }],
    ['nonce missing', 401, { params: { nonce: undefined } }],
    ['realm missing', 401, { params: { realm: undefined } }],
    ['uri missing', 401, { params: { uri: undefined } }],
    ['a realm of somebody else', 401, { params: { realm: '"elsewhere.example"' } }],
    ['a parameter that nobody knows', 200, { params: { 'x-more': '"1, 2"' } }],
    ['a parameter twice', 401, { params: { Nonce: '"x"' } }],
    ['a value without its closing quote', 401, { params: { cnonce: '"x' } }],
    ['parameters in any order, as a phone has it', 200, { params: { username: '"bob"' } }],
  ];
  test.each(LOGINS)('%s: %i', async (_why, status, said) => {
    expect((await (await fresh()).login(said)).status).toBe(status);
  });

  test('nc: a nonce serves again, with the next count', async () => {
    const phone = await fresh();
    const challenge = await phone.challenge();
    for (const nc of ['00000001', '00000002', '0000000a'])
      expect((await phone.ask([credentialsFor(challenge, { nc })])).status).toBe(200);
  });

  // An expected failure: "if the same nc value is seen twice, then the request is a replay" and a server that kept "its own copy
  // of this count" would see it. It would be state that no other registrar of the domain has; Call-ID and CSeq order what a
  // replay could do, and the nonce is good for minutes from one address.
  test.fails('nc: a count seen twice is refused', async () => {
    const phone = await fresh();
    const challenge = await phone.challenge();
    await phone.ask([credentialsFor(challenge, { cnonce: 'one' })]);
    expect((await phone.ask([credentialsFor(challenge, { cnonce: 'two' })])).status).toBe(401);
  });

  // An expected failure: nc is 8 hexadecimal digits by the grammar (8LHEX). Some count in other ways; what is hashed is what was sent,
  // so it lets nobody in who doesn't know the password.
  test.fails('nc: a count that is no eight digits is improper', async () => {
    expect((await (await fresh()).login({ nc: '1' })).status).toBe(401);
  });

  test('"a login failure SHOULD be logged", without the response', async () => {
    const phone = await fresh();
    const before = world.warnings.length;
    const wrong = credentialsFor(await phone.challenge(), { password: 'not-it' });
    await phone.ask([wrong]);
    const lines = world.warnings.slice(before);
    expect(lines.filter((line) => line.includes('authentication failed'))).toHaveLength(1);
    expect(lines.join()).not.toContain(/response="([0-9a-f]*)"/.exec(wrong)?.[1]);
  });
});

describe('§3.4.1 to §3.4.3 response, A1, A2', () => {
  test.each(['MD5', 'SHA-256', 'SHA-512-256'] as const)('%s with qop=auth', async (algorithm) => {
    expect((await (await fresh()).login({}, algorithm)).status).toBe(200);
  });

  test('another method, URI or nonce than was hashed', async () => {
    const phone = await fresh();
    expect((await phone.login({ method: 'INVITE' })).status).toBe(401);
    const right = credentialsFor(await phone.challenge());
    expect((await phone.ask([right.replace(/uri="[^"]*"/, 'uri="sip:other.example"')])).status).toBe(401);
  });
});

describe('§3.4.4 user name hashing', () => {
  test('a hashed name, which was not asked for, is refused like any unknown one', async () => {
    const phone = await fresh();
    const answer = await phone.login({ params: { username: `"${'0'.repeat(32)}"`, userhash: 'true' } });
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('stale');
  });
});

describe('§3.4.5 quoted strings', () => {
  test('quotes fall away and quoted pairs are undone before hashing', async () => {
    const phone = await fresh();
    const answer = await phone.login({
      user: 'a"b\\c',
      params: { username: '"a\\"b\\\\c"', realm: `"biloxi\\.example"` },
    });
    expect(answer.status).toBe(200);
  });

  test('what is a token by its characters may come without quotes, as phones send it', async () => {
    expect((await (await fresh()).login({ params: { username: 'bob', cnonce: '0a4f113b' } })).status).toBe(
      200,
    );
  });
});

describe('§3.4.6 the URI', () => {
  test('"the resource designated by the "uri" parameter is the same": another host is refused, and logged', async () => {
    const before = world.warnings.length;
    expect((await (await fresh()).login({ uri: 'sip:elsewhere.example' })).status).toBe(401);
    expect(world.warnings.slice(before).join()).toContain('wrong-uri');
  });

  // An expected failure: "if they are not, the server SHOULD return a 400 Bad Request error". It would tell whoever brings a digest
  // made for another place that the password in it is right.
  test.fails('another host is a 400', async () => {
    expect((await (await fresh()).login({ uri: 'sip:elsewhere.example' })).status).toBe(400);
  });
});

describe('§3.5 Authentication-Info', () => {
  test('is not sent: it MAY be, and no phone was seen to look at it', async () => {
    expect((await (await fresh()).login()).header('Authentication-Info')).toEqual([]);
  });
});

describe('§3.6 operation', () => {
  test('credentials "MAY be included preemptively": the old ones serve the next request too', async () => {
    const phone = await fresh();
    const right = credentialsFor(await phone.challenge());
    expect([(await phone.ask([right])).status, (await phone.ask([right])).status]).toEqual([200, 200]);
  });

  test('a nonce given to another address is stale, and its successor is good', async () => {
    const other = (await (await fresh()).challenge()).nonce;
    const phone = await fresh();
    const stale = await phone.login({ nonce: other });
    const next = challengesOf(stale).find(({ algorithm }) => algorithm === 'MD5');
    if (next === undefined) throw new Error('no new challenge');
    expect((await phone.ask([credentialsFor(next)])).status).toBe(200);
  });
});

describe('§3.7 negotiation', () => {
  test('"each one of these challenges MUST use a different digest algorithm", "in order of preference"', async () => {
    expect(challengesOf(await (await fresh()).ask([])).map(({ algorithm }) => algorithm)).toEqual([
      'SHA-256',
      'MD5',
      'SHA-512-256',
    ]);
  });

  test('Basic and schemes of others are answered with the challenge', async () => {
    const phone = await fresh();
    for (const value of ['Basic Ym9iOnphbnppYmFy', 'Bearer x', 'NoOneKnowsThis y', ''])
      expect((await phone.ask([value])).status).toBe(401);
  });
});

describe('§3.8 Proxy-Authenticate', () => {
  test('407, the same challenge, and Proxy-Authorization answers it', async () => {
    const phone = await fresh();
    const asked = await phone.ask([], { method: 'MESSAGE' });
    expect(asked.status).toBe(407);
    const [challenge] = challengesOf(asked, 'Proxy-Authenticate');
    if (challenge === undefined) throw new Error('no challenge');
    const said = { method: 'MESSAGE', uri: 'sip:carol@elsewhere.example' };
    const answer = await phone.ask([credentialsFor(challenge, said)], { method: 'MESSAGE' });
    // Let through: there is no way to the place that it asks for.
    expect([401, 407]).not.toContain(answer.status);
    const wrong = await phone.ask([credentialsFor(challenge, { ...said, password: 'x' })], {
      method: 'MESSAGE',
    });
    expect(wrong.status).toBe(407);
  });
});

describe('§4 internationalization', () => {
  test('a name and a password beyond ASCII, as UTF-8', async () => {
    expect((await (await fresh()).login(JASON)).status).toBe(200);
  });

  test('the name as username*, as in §3.9.2', async () => {
    const params = { username: undefined, 'username*': "UTF-8''J%C3%A4s%C3%B8n%20Doe" };
    expect((await (await fresh()).login({ ...JASON, params })).status).toBe(200);
  });
});

test('§3.3 a digest that is right by one algorithm is wrong by the name of another', async () => {
  const phone = await fresh();
  const [first, second] = [await phone.challenge('SHA-256'), await phone.challenge('MD5')];
  const mixed = credentialsFor(first, { password: PASSWORD }).replace('algorithm=SHA-256', 'algorithm=MD5');
  expect((await phone.ask([mixed])).status).toBe(401);
  expect((await phone.ask([credentialsFor(second)])).status).toBe(200);
});
