// RFC 8760, sentence by sentence as far as it binds a server: digest algorithms in SIP, at a registrar over UDP.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIGEST_ALGORITHMS, type DigestAlgorithm } from '../../../src/auth/digest.ts';
import {
  challengesOf,
  credentialsFor,
  type DigestClient,
  type DigestWorld,
  digestWorld,
} from '../../support/digest-world.ts';

let world: DigestWorld;
beforeAll(async () => {
  world = await digestWorld(['SHA-512-256', 'SHA-256', 'MD5']);
});
afterAll(() => world.close());

const fresh = (): Promise<DigestClient> => world.client();

describe('§2.1 hash algorithms', () => {
  test.each(DIGEST_ALGORITHMS)('%s is taken', async (algorithm) => {
    expect((await (await fresh()).login({}, algorithm)).status).toBe(200);
  });

  test('"[RFC3261] specifies only one algorithm, MD5, which is used by default"', async () => {
    expect((await (await fresh()).login({ params: { algorithm: undefined } })).status).toBe(200);
  });
});

describe('§2.2 representation', () => {
  test.each(['SHA-256', 'SHA-512-256'] as const)('%s: 64 digits, not 32', async (algorithm) => {
    const phone = await fresh();
    const right = credentialsFor(await phone.challenge(algorithm));
    expect(right).toMatch(/response="[0-9a-f]{64}"/);
    expect((await phone.ask([right])).status).toBe(200);
    expect((await phone.ask([right.replace(/(response="[0-9a-f]{32})[0-9a-f]{32}/, '$1')])).status).toBe(401);
  });
});

describe('§2.3 UAS behavior', () => {
  test('"each of these header fields MUST use a different digest algorithm", "in the order in which it would prefer", each in a header field of its own', async () => {
    const answer = await (await fresh()).ask([]);
    expect(answer.header('WWW-Authenticate')).toHaveLength(3);
    expect(challengesOf(answer).map(({ algorithm }) => algorithm)).toEqual(['SHA-512-256', 'SHA-256', 'MD5']);
  });

  test.each([
    [['MD5'] as const],
    [['MD5', 'SHA-256'] as const],
    [['SHA-256', 'MD5'] as const],
    [['SHA-256'] as const],
  ])('the order is that of the configuration: %s', async (algorithms: readonly DigestAlgorithm[]) => {
    const other = await digestWorld(algorithms);
    try {
      const phone = await other.client();
      expect(challengesOf(await phone.ask([])).map(({ algorithm }) => algorithm)).toEqual(algorithms);
      // What was not offered is refused, however right its digest.
      for (const algorithm of DIGEST_ALGORITHMS) {
        const challenge = await phone.challenge(algorithms[0]);
        const answer = await (await other.client()).ask([
          credentialsFor(
            { ...(await phone.challenge(algorithms[0])), algorithm },
            { nonce: challenge.nonce },
          ),
        ]);
        expect(answer.text.includes('stale=true')).toBe(algorithms.includes(algorithm));
      }
    } finally {
      await other.close();
    }
  });

  test('"The UAS cannot assume that the client will use the algorithm specified in the topmost header field"', async () => {
    const phone = await fresh();
    for (const algorithm of ['MD5', 'SHA-256', 'SHA-512-256'] as const)
      expect((await phone.login({}, algorithm)).status).toBe(200);
  });

  test('several Authorization rows: those for other realms and by unknown algorithms are passed over', async () => {
    const phone = await fresh();
    const right = credentialsFor(await phone.challenge('SHA-256'));
    const elsewhere = right.replace(/realm="[^"]*"/, 'realm="elsewhere.example"');
    const unknown = right.replace('algorithm=SHA-256', 'algorithm=SHA3-256');
    expect((await phone.ask([elsewhere, unknown, 'Basic x', right])).status).toBe(200);
    expect((await phone.ask([right, unknown, elsewhere])).status).toBe(200);
  });

  test('several Authorization rows: more than eight are not read', async () => {
    const phone = await fresh();
    const right = credentialsFor(await phone.challenge('MD5'));
    const others = (count: number) => new Array<string>(count).fill('Basic x');
    expect((await phone.ask([...others(7), right])).status).toBe(200);
    expect((await phone.ask([...others(8), right])).status).toBe(401);
  });
});

describe('§2.6 the scheme in SIP', () => {
  test('"SIP clients and servers MUST NOT accept or request Basic authentication"', async () => {
    const phone = await fresh();
    const answer = await phone.ask([`Basic ${Buffer.from('bob:zanzibar').toString('base64')}`]);
    expect(answer.status).toBe(401);
    expect(answer.header('WWW-Authenticate').filter((value) => !value.startsWith('Digest '))).toEqual([]);
  });

  test('(2) a uri without quotation marks, which "MUST be enclosed" in them, is taken all the same: some leave them off', async () => {
    expect((await (await fresh()).login({ params: { uri: 'sip:biloxi.example' } })).status).toBe(200);
  });

  test.each([
    ['the Request-URI', 'sip:biloxi.example', 200],
    ['the same host with a port and parameters', 'sip:biloxi.example:5060;transport=udp', 200],
    ['a user at the domain', 'sip:bob@biloxi.example', 200],
    ['another host', 'sip:elsewhere.example', 401],
    ['no URI at all', 'biloxi', 401],
  ])(
    '(6) the uri "MAY still" be accepted "if the two fields are not equivalent": %s',
    async (_what, uri, status) => {
      expect((await (await fresh()).login({ uri })).status).toBe(status);
    },
  );

  test('(6) the address and port of this server, as sipp writes it', async () => {
    const { host, port } = world.server.sip;
    expect((await (await fresh()).login({ uri: `sip:${host}:${port}` })).status).toBe(200);
  });

  test('(7) integrity protection, with its hash of an empty body, is not offered and so not taken', async () => {
    const phone = await fresh();
    expect((await phone.challenge()).value).not.toContain('auth-int');
    expect((await phone.login({ qop: 'auth-int', body: '' })).status).toBe(401);
  });

  test('(8) "the "qop" parameter is optional for clients and servers based on [RFC3261] to receive"', async () => {
    for (const algorithm of DIGEST_ALGORITHMS)
      expect((await (await fresh()).login({ qop: 'none' }, algorithm)).status).toBe(200);
  });

  test('(8) "A UAS MUST always send a "qop" parameter in WWW-Authenticate and Proxy-Authenticate"', async () => {
    const phone = await fresh();
    const asked = [await phone.ask([]), await phone.ask([], { method: 'MESSAGE' })];
    const values = asked.flatMap((answer) => [
      ...answer.header('WWW-Authenticate'),
      ...answer.header('Proxy-Authenticate'),
    ]);
    expect(values).toHaveLength(6);
    expect(values.filter((value) => !value.includes('qop="auth"'))).toEqual([]);
  });
});

describe('§2.7 ABNF', () => {
  test('"A parameter with an empty value (empty string) is allowed when the UAC has not yet received a challenge"', async () => {
    const phone = await fresh();
    const before = world.warnings.length;
    const answer = await phone.ask([
      'Digest username="bob", realm="biloxi.example", nonce="", uri="sip:biloxi.example", response=""',
    ]);
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('stale');
    // No guess at a password, so no failure of anybody.
    expect(world.warnings.length).toBe(before);
  });

  test.each(['MD5-sess', 'SHA-256-sess', 'SHA-512-256-sess'])(
    '%s is read, and refused as not offered',
    async (algorithm) => {
      expect((await (await fresh()).login({ params: { algorithm } })).status).toBe(401);
    },
  );
});

describe('what is not ours', () => {
  // §2.4 binds clients. §2.5 binds forking proxies: nothing forks here, and what one server answered goes back as it came
  // (test/property/proxy/forwarded-message.test.ts).
  test('§3 MD5 "is NOT RECOMMENDED": it can be left out', async () => {
    const other = await digestWorld(['SHA-256']);
    try {
      const phone = await other.client();
      expect((await phone.login({}, 'SHA-256')).status).toBe(200);
      const challenge = await phone.challenge('SHA-256');
      expect((await phone.ask([credentialsFor({ ...challenge, algorithm: 'MD5' })])).status).toBe(401);
    } finally {
      await other.close();
    }
  });
});
