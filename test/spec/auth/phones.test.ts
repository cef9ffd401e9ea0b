import { expect, test } from 'vitest';
import { readCredentials } from '../../../src/auth/credentials.ts';
import { algorithmOf, digestHa1, responseMatches } from '../../../src/auth/digest.ts';
import { requestFrom } from '../../support/register-transaction.ts';

// What real phones answered to a Kamailio's challenge, captured on loopback.
test.each([
  [
    'baresip 1.0.0',
    { user: 'alice', password: 'alicepw' },
    'Digest username="alice", realm="sip.test", nonce="awLLVGsCyiibzsLisMMF/in07G0uA0Gc", uri="sip:127.0.0.1:35060;transport=udp", response="98998deaaa1e603d3d2284d8a79e9fc2", cnonce="b5c84d8be97d9860", qop=auth, nc=00000001',
  ],
  [
    'linphone 5.1.65',
    { user: 'bob', password: 'bobpw' },
    'Digest realm="sip.test", nonce="awLMjGsCy2Bd98zULSUKm7cLpIw/mCDD", username="bob",  uri="sip:sip.test", response="56cfad875ee5e9fa6379022d10ec3899", cnonce="iF5o20X51cRGYH1d", nc=00000001, qop=auth',
  ],
  [
    'JsSIP 3.13.8',
    { user: 'alice', password: 'alicepw' },
    'Digest algorithm=MD5, username="alice", realm="sip.test", nonce="awLS7GsC0cC8fUIieqxE3H4207vexB5K", uri="sip:sip.test", response="681a6d6a7e4740bc1bf9fec5843a142c", qop=auth, cnonce="19r2igak5kf5", nc=00000001',
  ],
  [
    'sipsak 0.9.8.1, which hashes the name with an @ behind it',
    { user: 'alice@', password: 'secret', realm: 'x.test' },
    'Digest username="alice@", uri="sip:127.0.0.1:5174", algorithm=MD5, realm="x.test", nonce="abc", qop=auth, nc=00000001, cnonce="2d692fe9", response="f796f100beb5f6e4b65cfcd9cbc83ee1"',
  ],
])('the answer of %s is understood and right', (_, account, authorization) => {
  const realm = 'realm' in account && account.realm !== undefined ? account.realm : 'sip.test';
  const request = requestFrom([
    `REGISTER sip:${realm} SIP/2.0`,
    `From: <sip:a@${realm}>;tag=1`,
    `To: <sip:a@${realm}>`,
    'Call-ID: c',
    'CSeq: 1 REGISTER',
    `Authorization: ${authorization}`,
  ]);
  const credentials = readCredentials(request, 'authorization', realm, ['MD5']);
  if (credentials === undefined) throw new Error('not read');
  expect(algorithmOf(credentials)).toBe('MD5');
  const ha1 = digestHa1('MD5', { ...account, realm });
  expect(responseMatches('MD5', ha1, 'REGISTER', credentials)).toBe(true);
});
