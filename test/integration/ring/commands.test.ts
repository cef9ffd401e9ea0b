// The commands against a ring of several domains: lookups and publications as a client, pure P2P, what scripts rely on.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identityFromPem } from '../../../src/record/identity.ts';
import { selfCertifyingDomain } from '../../../src/record/self-certifying.ts';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { runCommand } from '../../support/cli.ts';
import { chordial } from '../../support/commands.ts';
import { ServerRing } from '../../support/server-ring.ts';
import type { TestServer } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { freeEndpoints, makeSites } from '../../support/sites.ts';

const DOMAINS = ['a.example', 'b.example', 'gateway.example'];
const { sites, folder, trustFile, remove } = makeSites(
  DOMAINS.map((domain) => ({ domain })),
  [],
);
/** A domain that runs no registrar: its key publishes. */
const gatewayKey = ['--key', sites.find(({ domain }) => domain === 'gateway.example')?.keyFile ?? ''];
const TRUST = ['--trust.file', trustFile, '--trust.dns', 'false'];

const ring = new ServerRing(sites);
let servers: readonly TestServer[];
let phones: SipClient;
let via: readonly string[];
const at = (index: number): TestServer => {
  const server = servers[index];
  if (server === undefined) throw new Error(`no server ${index}`);
  return server;
};

beforeAll(async () => {
  phones = await SipClient.open();
  servers = await ring.startAll(sites.slice(0, 2));
  via = ['--via', formatEndpoint(at(0).overlay ?? { host: '', port: 0 })];
}, 60_000);
afterAll(async () => {
  await ring.end();
  await phones.close();
  remove();
});

const contactsIn = (stdout: string): readonly string[] =>
  (JSON.parse(stdout) as { bindings: { contact: string }[] }).bindings.map(({ contact }) => contact); // our own JSON

describe('as processes, with the exit codes that scripts go by', () => {
  test('lookup: 0 and who is registered at another domain, 4 for nobody, 3 for no ring', async () => {
    await phones.register(at(1).sip, 'sip:bob@b.example', { contact: '<sip:bob@192.0.2.4:5060>' });
    const [gone = { host: '127.0.0.1', port: 9 }] = await freeEndpoints(1);
    const nowhere = ['--via', formatEndpoint(gone), ...TRUST];
    const [found, nobody, noRing] = await Promise.all([
      chordial(['lookup', 'sip:bob@b.example', '--json', ...via, ...TRUST]),
      chordial(['lookup', 'sip:nobody@b.example', ...via, ...TRUST]),
      chordial(['lookup', 'sip:bob@b.example', ...nowhere]),
    ]);
    expect([found.code, contactsIn(found.stdout)]).toEqual([0, ['sip:bob@192.0.2.4:5060']]);
    expect([nobody.code, nobody.stdout]).toEqual([4, '']);
    expect(nobody.stderr).toContain('nobody is registered as sip:nobody@b.example');
    expect([noRing.code, noRing.stdout]).toEqual([3, '']);
    expect(noRing.stderr).toContain('the overlay could not be asked');
  });

  test('check-config and serve: 2, and every problem at once', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(
      file,
      'publicaton: public\noverlay: { replicas: 9 }\nsip: { listen: ["udp:0.0.0.0:5060"] }\n',
    );
    const both = await Promise.all([chordial(['check-config', '-c', file]), chordial(['serve', '-c', file])]);
    for (const { code, stdout, stderr } of both) {
      expect([code, stdout]).toEqual([2, '']);
      for (const problem of ['publicaton: unknown key', 'overlay.replicas', 'sip.advertise'])
        expect(stderr).toContain(problem);
    }
  });
});

describe('a domain that runs no registrar', () => {
  test.each([
    ['sip:desk@gateway.example', 'sip:desk@192.0.2.20:5060'],
    ['xmpp:juliet@gateway.example', 'xmpp:juliet@192.0.2.21'],
  ])('%s is published, found and withdrawn by its key alone', async (uri, contact) => {
    const published = await runCommand(['publish', uri, contact, '--json', ...gatewayKey, ...via, ...TRUST]);
    expect([published.code, contactsIn(published.stdout)]).toEqual([0, [contact]]);
    const found = await runCommand(['lookup', uri, '--json', ...via, ...TRUST]);
    expect([found.code, contactsIn(found.stdout)]).toEqual([0, [contact]]);
    expect((await runCommand(['withdraw', uri, ...gatewayKey, ...via, ...TRUST])).code).toBe(0);
    expect((await runCommand(['lookup', uri, ...via, ...TRUST])).code).toBe(4);
  });

  test('what it publishes is where a registrar of the ring redirects a call to', async () => {
    const [uri, contact] = ['sip:pbx@gateway.example', 'sip:pbx@192.0.2.22:5060'];
    expect((await runCommand(['publish', uri, contact, ...gatewayKey, ...via, ...TRUST])).code).toBe(0);
    const answer = await phones.invite(at(1).sip, uri);
    expect([answer.status, answer.header('contact')]).toEqual([302, [`<${contact}>`]]);
  });
});

test('a self-certifying domain needs neither DNS nor a trust file', async () => {
  const key = join(folder, 'peer.pem');
  expect((await runCommand(['keygen', '--domain', 'peer.example', '--out', key])).code).toBe(0);
  const identity = identityFromPem(readFileSync(key, 'utf8'), { domain: 'peer.example', selector: 0 });
  if (!identity.ok) throw new Error(identity.error);
  const uri = `sip:me@${selfCertifyingDomain(identity.value.publicKey)}`;
  const nothing = ['--trust.dns', 'false', ...via];
  const contact = 'sip:me@192.0.2.30:5060';
  const published = await runCommand(['publish', uri, contact, '--key', key, ...nothing]);
  expect([published.code, published.stderr]).toEqual([0, '']);
  const found = await runCommand(['lookup', uri, '--json', ...nothing]);
  expect([found.code, contactsIn(found.stdout)]).toEqual([0, [contact]]);
  const answer = await phones.invite(at(1).sip, uri);
  expect([answer.status, answer.header('contact')]).toEqual([302, [`<${contact}>`]]);
});

test('ring --json names every member and its share, and exits 0 when all is well', async () => {
  const { code, stdout } = await runCommand(['ring', '--json', ...via, ...TRUST]);
  const shown = JSON.parse(stdout) as {
    members: { domain: string; ready: boolean; ownsPercent: number }[];
    problems: string[];
  }; // our own JSON
  expect([code, shown.problems]).toEqual([0, []]);
  expect(shown.members.map(({ domain, ready }) => [domain, ready]).sort()).toEqual([
    ['a.example', true],
    ['b.example', true],
  ]);
  expect(shown.members.reduce((sum, { ownsPercent }) => sum + ownsPercent, 0)).toBeCloseTo(100);
});

test('ring exits 1 and says what is broken while a member does not answer', async () => {
  at(1).wire.cut = true;
  const { code, stdout } = await runCommand(['ring', '--json', '--looks', '1', ...via, ...TRUST]);
  at(1).wire.cut = false;
  const { problems } = JSON.parse(stdout) as { problems: string[] }; // our own JSON
  expect([code, problems.join()]).toEqual([1, expect.stringMatching(/b\.example\/0 .* does not answer/)]);
});
