// Calls of our own users over TLS: to servers that prove to be the domain's, and in the clear to none that was meant to be reached so.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../../src/runtime/certificate.ts';
import { CertificateStore } from '../../../src/runtime/certificate-store.ts';
import { createListenTls } from '../../../src/runtime/tls-stream.ts';
import { createAuthority } from '../../support/certificates.ts';
import { type Office, type OfficePhone, openOffice } from '../../support/office.ts';
import { answerOf, type Callee, rowsOf, tcpCallee, udpCallee } from '../../support/sip-callee.ts';
import { naptr, srv, type Zone, zoneDns } from '../../support/zone-dns.ts';

const FAR = 'far.example';
const authority = createAuthority();
const folder = mkdtempSync(join(tmpdir(), 'chordial-hops-'));
const path = (name: string): string => join(folder, name);
const pairFor = (name: string) => authority.issue({ commonName: name, names: [`DNS:${name}`] });

beforeAll(() => {
  const { certPem, keyPem } = pairFor('biloxi.com');
  for (const [name, text] of Object.entries({
    'cert.pem': certPem,
    'key.pem': keyPem,
    'ca.pem': authority.certPem,
  }))
    writeFileSync(path(name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server over TLS that shows a certificate for `name`. */
const tlsCallee = async (name: string): Promise<Callee> => {
  const { certPem, keyPem } = pairFor(name);
  const read = readCertificate(certPem, keyPem);
  if (!read.ok) throw new Error(read.error);
  const certificates = new CertificateStore();
  certificates.put(undefined, read.value);
  const made = await tcpCallee(undefined, createListenTls(certificates));
  closers.push(() => made.close());
  return made;
};

const clearCallee = async (): Promise<Callee> => {
  const made = await udpCallee();
  closers.push(() => made.close());
  return made;
};

const opened = async (zone: Zone): Promise<{ readonly office: Office; readonly alice: OfficePhone }> => {
  const office = await openOffice({
    config: {
      sip: {
        listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0'],
        tls: { certFile: path('cert.pem'), keyFile: path('key.pem'), caFile: path('ca.pem') },
      },
    },
    world: { dns: zoneDns(zone) },
  });
  closers.push(() => office.close());
  return { office, alice: await office.phone() };
};

/** TLS preferred, UDP there too. */
const zoneOf = (secure: Callee, clear: Callee): Zone => ({
  naptr: { [FAR]: [naptr(`50 50 s SIPS+D2T _sips._tcp.${FAR}`), naptr(`100 50 s SIP+D2U _sip._udp.${FAR}`)] },
  srv: {
    [`_sips._tcp.${FAR}`]: [srv(`0 0 ${secure.local.port} s.hoster.example`)],
    [`_sip._udp.${FAR}`]: [srv(`0 0 ${clear.local.port} s.hoster.example`)],
  },
  a: { 's.hoster.example': ['127.0.0.1'] },
});

describe('a domain that prefers TLS', () => {
  test('is reached over TLS, at a hoster whose certificate is for the domain, and hung up there', async () => {
    const [secure, clear] = [await tlsCallee(FAR), await clearCallee()];
    const { alice } = await opened(zoneOf(secure, clear));
    const answer = alice.askAs('alice', { uri: `sip:bob@${FAR}`, callId: 'far' });
    const invite = await secure.next();
    expect(rowsOf(invite, 'Via')[0]).toMatch(/^SIP\/2\.0\/TLS /);
    expect(rowsOf(invite, 'Record-Route').map((row) => /;transport=tls;lr>$/.test(row))).toEqual([
      true,
      false,
    ]);
    secure.send(answerOf(invite, '200 OK', [`Contact: <sip:bob@${FAR};transport=tls>`]));
    const ok = await answer;
    expect(ok.status).toBe(200);
    const bye = alice.ask({
      method: 'BYE',
      uri: `sip:bob@${FAR};transport=tls`,
      callId: 'far',
      cseq: 3,
      from: rowsOf(invite, 'From')[0] ?? '',
      to: ok.header('To')[0] ?? '',
      headers: ok
        .header('Record-Route')
        .toReversed()
        .map((route) => `Route: ${route}`),
    });
    const arrived = await secure.next();
    expect(arrived).toMatch(/^BYE /);
    secure.send(answerOf(arrived, '200 OK'));
    expect((await bye).status).toBe(200);
  });

  test('is not reached where the certificate is for another, and not in the clear instead', async () => {
    const [secure, clear] = [await tlsCallee('evil.example'), await clearCallee()];
    const { alice } = await opened(zoneOf(secure, clear));
    expect((await alice.askAs('alice', { uri: `sip:bob@${FAR}` })).status).toBe(500);
    expect([secure.unread, clear.unread]).toEqual([0, 0]);
  });
});

describe('a sips: URI', () => {
  test('goes over TLS and nothing else, and its dialog with it', async () => {
    const [secure, clear] = [await tlsCallee(FAR), await clearCallee()];
    const { alice } = await opened(zoneOf(secure, clear));
    void alice.askAs('alice', { uri: `sips:bob@${FAR}` });
    const invite = await secure.next();
    expect(invite).toMatch(/^INVITE sips:bob@far\.example /);
    expect(rowsOf(invite, 'Record-Route')).toEqual([expect.stringMatching(/^<sips:d1[^;]*;lr>$/)]);
  });

  test('is not reached where the zone has servers in the clear alone', async () => {
    const clear = await clearCallee();
    const { alice } = await opened({
      naptr: { [FAR]: [naptr(`100 50 s SIP+D2U _sip._udp.${FAR}`)] },
      srv: { [`_sip._udp.${FAR}`]: [srv(`0 0 ${clear.local.port} s.hoster.example`)] },
      a: { 's.hoster.example': ['127.0.0.1'] },
    });
    const { status, text } = await alice.askAs('alice', { uri: `sips:bob@${FAR}` });
    expect([status, text.split('\r\n', 1)[0]]).toEqual([480, 'SIP/2.0 480 No Server Found For This Domain']);
    expect(clear.unread).toBe(0);
  });
});
