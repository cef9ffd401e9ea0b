// A whole registrar that asks for passwords, and clients at it that answer challenges by the RFC's own formulas.
import { createHash } from 'node:crypto';
import { DIGEST_ALGORITHMS, type DigestAlgorithm } from '../../src/auth/digest.ts';
import { addUser } from '../../src/auth/user-edit.ts';
import { parseUserFile } from '../../src/auth/user-file.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { makeDomain, startServer, type TestServer, trustOf } from './servers.ts';
import { type SipAnswer, SipClient } from './sip-client.ts';

export const REALM = 'biloxi.example';
export const PASSWORD = 'zanzibar';
/** A name and a password beyond ASCII: those of the example in RFC 7616 §3.9.2. */
export const JASON = { user: 'Jäsøn Doe', password: 'Secret, or not?' };

const NODE_NAME: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

/** What a client says of itself; by default what is right. Parameters are written as given, quotes included. */
export interface Said {
  readonly user?: string;
  readonly password?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly nonce?: string;
  readonly nc?: string;
  readonly cnonce?: string;
  /** The quality of protection hashed; `none` hashes and sends none. */
  readonly qop?: 'auth' | 'auth-int' | 'none';
  readonly session?: boolean;
  readonly body?: string;
  /** Parameters to add or to write otherwise; undefined leaves one out. */
  readonly params?: Readonly<Record<string, string | undefined>>;
}

export interface Challenge {
  readonly value: string;
  readonly algorithm: DigestAlgorithm;
  readonly nonce: string;
}

/** The challenges of an answer in order. */
export const challengesOf = (answer: SipAnswer, header = 'WWW-Authenticate'): readonly Challenge[] =>
  answer.header(header).map((value) => {
    const named = /algorithm=([A-Z0-9-]+)/.exec(value)?.[1];
    const algorithm = DIGEST_ALGORITHMS.find((one) => one === named) ?? 'MD5';
    return { value, algorithm, nonce: /nonce="([^"]*)"/.exec(value)?.[1] ?? '' };
  });

/** Digest credentials by RFC 7616 §3.4.1 to §3.4.3, written down here anew so that no code of ours judges itself. */
export const credentialsFor = (challenge: Challenge, said: Said = {}): string => {
  const hash = (text: string): string =>
    createHash(NODE_NAME[challenge.algorithm] ?? 'md5')
      .update(text, 'utf8')
      .digest('hex');
  const { user = 'bob', password = PASSWORD, method = 'REGISTER', uri = `sip:${REALM}` } = said;
  const { nonce = challenge.nonce, nc = '00000001', cnonce = '0a4f113b', qop = 'auth', body = '' } = said;
  const secret = hash(`${user}:${REALM}:${password}`);
  const a1 = said.session === true ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash(body)}` : `${method}:${uri}`);
  const response =
    qop === 'none' ? hash(`${a1}:${nonce}:${a2}`) : hash(`${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
  const params: Readonly<Record<string, string | undefined>> = {
    username: `"${user}"`,
    realm: `"${REALM}"`,
    nonce: `"${nonce}"`,
    uri: `"${uri}"`,
    response: `"${response}"`,
    algorithm: `${challenge.algorithm}${said.session === true ? '-sess' : ''}`,
    ...(qop === 'none' ? {} : { qop, nc, cnonce: `"${cnonce}"` }),
    ...said.params,
  };
  const written = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${Buffer.from(value, 'utf8').toString('latin1')}`],
  );
  return `Digest ${written.join(', ')}`;
};

export interface DigestWorld {
  readonly server: TestServer;
  /** Warnings that were logged, as JSON. */
  readonly warnings: readonly string[];
  /** A client at an address that nobody failed from before. */
  client(): Promise<DigestClient>;
  close(): Promise<void>;
}

export interface DigestClient {
  /** REGISTER (or another method) with these Authorization (or Proxy-Authorization) values. */
  ask(authorizations: readonly string[], how?: { method?: string; user?: string }): Promise<SipAnswer>;
  /** The challenge by `algorithm` for a request without credentials. */
  challenge(algorithm?: DigestAlgorithm): Promise<Challenge>;
  /** Asks, answers the challenge, and tells what came of it. */
  login(said?: Said, algorithm?: DigestAlgorithm): Promise<SipAnswer>;
}

const usersText = (): string => {
  const accounts = [{ user: 'bob', password: PASSWORD }, { user: 'a"b\\c', password: PASSWORD }, JASON];
  return accounts.reduce((text, account) => {
    const added = addUser(text, { ...account, realm: REALM, algorithms: DIGEST_ALGORITHMS });
    if (!added.ok) throw new Error(added.error);
    return added.value.text;
  }, '');
};

export const digestWorld = async (algorithms: readonly DigestAlgorithm[]): Promise<DigestWorld> => {
  const users = parseUserFile(usersText());
  if (!users.ok) throw new Error('the users of the test');
  const warnings: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (fields, message) => void warnings.push(JSON.stringify({ ...fields, msg: message })),
    child: () => log,
  };
  const domain = makeDomain(REALM);
  const none = async () => ({ kind: 'none' as const });
  const server = await startServer({
    domain,
    trust: trustOf([domain]),
    users: users.value,
    config: { publication: 'local', sip: { auth: { mode: 'digest', usersFile: 'users', algorithms } } },
    world: { log, dns: { naptr: none, srv: none, addresses: none } },
  });
  await server.app.ready;
  const opened: SipClient[] = [];
  return {
    server,
    warnings,
    async client() {
      const sip = await SipClient.open(`127.8.0.${opened.length + 1}`);
      opened.push(sip);
      const ask: DigestClient['ask'] = (authorizations, { method = 'REGISTER', user = 'bob' } = {}) => {
        const aor = `sip:${encodeURIComponent(user)}@${REALM}`;
        const uri = method === 'REGISTER' ? `sip:${REALM}` : 'sip:carol@elsewhere.example';
        const name = method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization';
        const headers = authorizations.map((value) => `${name}: ${value}`);
        return sip.ask(server.sip, {
          method,
          uri,
          from: aor,
          to: method === 'REGISTER' ? aor : uri,
          headers,
        });
      };
      const challenge: DigestClient['challenge'] = async (algorithm = 'MD5') => {
        const found = challengesOf(await ask([])).find((one) => one.algorithm === algorithm);
        if (found === undefined) throw new Error(`no challenge by ${algorithm}`);
        return found;
      };
      return {
        ask,
        challenge,
        login: async (said = {}, algorithm = 'MD5') =>
          ask(
            [credentialsFor(await challenge(algorithm), said)],
            said.user === undefined ? {} : { user: said.user },
          ),
      };
    },
    async close() {
      await Promise.all(opened.map((one) => one.close()));
      await server.app.stop();
    },
  };
};
