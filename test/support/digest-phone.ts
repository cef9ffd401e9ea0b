// What a phone does with a challenge: the Authorization value that answers it.
import { type DigestAlgorithm, digestHa1, digestResponse } from '../../src/auth/digest.ts';
import { parseCredentials } from '../../src/sip/credentials.ts';

export interface PhoneAccount {
  readonly user: string;
  readonly password: string;
}

export interface AnswerOptions {
  readonly method?: string;
  readonly uri?: string;
  /** The user name sent, where it differs from the one hashed. */
  readonly sentUser?: string;
  readonly nonce?: string;
  readonly qop?: string | undefined;
  readonly nc?: string;
}

export const answerTo = (
  challenge: string | undefined,
  account: PhoneAccount,
  options: AnswerOptions = {},
): string => {
  const parsed = parseCredentials(challenge ?? '');
  if (!parsed.ok) throw new Error(`no challenge: ${parsed.error}`);
  const { params } = parsed.value;
  const realm = params.get('realm') ?? '';
  const algorithm: DigestAlgorithm = params.get('algorithm') === 'SHA-256' ? 'SHA-256' : 'MD5';
  const qop = 'qop' in options ? options.qop : 'auth';
  const base = {
    username: options.sentUser ?? account.user,
    realm,
    nonce: options.nonce ?? params.get('nonce') ?? '',
    uri: options.uri ?? 'sip:biloxi.com',
    response: '',
    ...(qop === undefined ? {} : { qop, cnonce: '0a4f113b', nc: options.nc ?? '00000001' }),
  };
  const ha1 = digestHa1(algorithm, { user: account.user, realm, password: account.password });
  const response = digestResponse(algorithm, ha1, options.method ?? 'REGISTER', base) ?? '0'.repeat(32);
  const protection = qop === undefined ? '' : `, qop=${qop}, cnonce="0a4f113b", nc=${base.nc}`;
  return (
    `Digest username="${base.username}", realm="${realm}", nonce="${base.nonce}", uri="${base.uri}", ` +
    `algorithm=${algorithm}, response="${response}"${protection}`
  );
};
