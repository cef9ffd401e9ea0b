// Users with passwords, as a server's user file has them, and their logins.
import { digestHa1 } from '../../src/auth/digest.ts';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { digestHeader, type SipAnswer, type SipClient } from './sip-client.ts';

export const passwordOf = (user: string): string => `secret-of-${user}`;

/** Lines of a user file. */
export const userLines = (realm: string, users: readonly string[]): string =>
  users
    .map((user) => `${user}:${realm}:${digestHa1('MD5', { user, realm, password: passwordOf(user) })}\n`)
    .join('');

export interface Login {
  readonly user: string;
  readonly realm: string;
  readonly password?: string;
  readonly cseq: number;
  readonly contact?: string;
  readonly giveUpMs?: number;
}

/** REGISTER, the challenge, REGISTER with the password: the second answer. */
export async function login(client: SipClient, server: Endpoint, options: Login): Promise<SipAnswer> {
  const { user, realm, password = passwordOf(user), cseq, contact, giveUpMs } = options;
  const uri = `sip:${realm}`;
  // What is no user part (a test of quoting) is nobody's address of record either.
  const aor = `sip:${/^[\w.-]+$/.test(user) ? user : 'nobody'}@${realm}`;
  const ask = (at: number, headers: readonly string[]): Promise<SipAnswer> =>
    client.ask(
      server,
      {
        method: 'REGISTER',
        uri,
        from: aor,
        to: aor,
        callId: `login-${aor}-${client.local.port}`,
        cseq: at,
        headers: [...(contact === undefined ? [] : [`Contact: <${contact}>`]), ...headers],
      },
      giveUpMs,
    );
  const [challenge = ''] = (await ask(2 * cseq, [])).header('www-authenticate');
  return ask(2 * cseq + 1, [digestHeader(challenge, { user, password, method: 'REGISTER', uri })]);
}
