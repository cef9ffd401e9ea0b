// The commands as a user has them, against a ring of two on loopback: exit codes, publications without a server, JSON.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identityFromPem } from '../../../src/record/identity.ts';
import { selfCertifyingDomain } from '../../../src/record/self-certifying.ts';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { chordial } from '../../support/commands.ts';
import { ServerRing } from '../../support/server-ring.ts';
import type { TestServer } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { freeEndpoints, makeSites } from '../../support/sites.ts';

const { sites, folder, trustFile, remove } = makeSites(
  [{ domain: 'a.example' }, { domain: 'b.example' }, { domain: 'gateway.example' }],
  [],
);
const [A, B, GATEWAY] = sites;
if (A === undefined || B === undefined || GATEWAY === undefined)
  throw new Error('three sites were asked for');

const ring = new ServerRing(sites);
let servers: readonly TestServer[];
let phones: SipClient;
let via: readonly string[];
const TRUST = ['--trust.file', trustFile, '--trust.dns', 'false'];

beforeAll(async () => {
  phones = await SipClient.open();
  servers = await ring.startAll([A, B]);
  via = ['--via', formatEndpoint(servers[0]?.overlay ?? { host: '', port: 0 })];
}, 60_000);
afterAll(async () => {
  await ring.end();
  await phones.close();
  remove();
});

const contactsIn = (stdout: string): readonly string[] =>
  (JSON.parse(stdout) as { bindings: { contact: string }[] }).bindings.map(({ contact }) => contact); // our own JSON

describe.concurrent('lookup', () => {
  test('prints who is registered, and exits 0', async () => {
    const server = servers[1];
    if (server === undefined) throw new Error('no server');
    await phones.register(server.sip, 'sip:bob@b.example', { contact: '<sip:bob@192.0.2.4:5060>' });
    const { code, stdout } = await chordial(['lookup', 'sip:bob@b.example', '--json', ...via, ...TRUST]);
    expect([code, contactsIn(stdout)]).toEqual([0, ['sip:bob@192.0.2.4:5060']]);
  });

  test('exits 4 when nobody is', async () => {
    const { code, stdout, stderr } = await chordial(['lookup', 'sip:nobody@b.example', ...via, ...TRUST]);
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toContain('nobody is registered as sip:nobody@b.example');
  });

  test('exits 3 when no member can be asked', async () => {
    const [gone = { host: '127.0.0.1', port: 9 }] = await freeEndpoints(1);
    const { code, stderr } = await chordial(['lookup', 'sip:bob@b.example', '--via', formatEndpoint(gone)]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('the overlay could not be asked')]);
  });

  test('exits 2 for what is no URI', async () => {
    expect((await chordial(['lookup', 'bob', ...via, ...TRUST])).code).toBe(2);
  });
});

describe.concurrent('publish and withdraw', () => {
  test.each([
    ['sip:desk@gateway.example', 'sip:desk@192.0.2.20:5060'],
    ['xmpp:juliet@gateway.example', 'xmpp:juliet@192.0.2.21'],
  ])('%s by its domain’s key', async (uri, contact) => {
    const key = ['--key', GATEWAY.keyFile];
    const published = await chordial([
      'publish',
      uri,
      contact,
      '--expires',
      '300',
      '--json',
      ...key,
      ...via,
      ...TRUST,
    ]);
    expect([published.code, contactsIn(published.stdout)]).toEqual([0, [contact]]);
    const found = await chordial(['lookup', uri, '--json', ...via, ...TRUST]);
    expect([found.code, contactsIn(found.stdout)]).toEqual([0, [contact]]);
    const withdrawn = await chordial(['withdraw', uri, ...key, ...via, ...TRUST]);
    expect(withdrawn.code).toBe(0);
    expect((await chordial(['lookup', uri, ...via, ...TRUST])).code).toBe(4);
  });

  test('what a gateway publishes is where a call is redirected to', async () => {
    const [uri, contact] = ['sip:pbx@gateway.example', 'sip:pbx@192.0.2.22:5060'];
    const ran = await chordial(['publish', uri, contact, '--key', GATEWAY.keyFile, ...via, ...TRUST]);
    expect(ran.code).toBe(0);
    const server = servers[0];
    const answer = server === undefined ? undefined : await phones.invite(server.sip, uri);
    expect([answer?.status, answer?.header('contact')]).toEqual([302, [`<${contact}>`]]);
  });

  test('exits 5 for a key that nobody vouches for', async () => {
    const key = join(folder, 'stranger.pem');
    await chordial(['keygen', '--domain', 'gateway.example', '--out', key]);
    const args = ['publish', 'sip:x@gateway.example', 'sip:x@192.0.2.23', '--key', key, '--selector', '7'];
    const { code, stderr } = await chordial([...args, ...via, ...TRUST]);
    expect([code, stderr]).toEqual([5, expect.stringContaining('refused')]);
  });
});

test('a self-certifying domain needs neither DNS nor a trust file', async () => {
  const key = join(folder, 'peer.pem');
  await chordial(['keygen', '--domain', 'peer.example', '--out', key]);
  const identity = identityFromPem(readFileSync(key, 'utf8'), { domain: 'peer.example', selector: 0 });
  if (!identity.ok) throw new Error(identity.error);
  const uri = `sip:me@${selfCertifyingDomain(identity.value.publicKey)}`;
  const nothing = ['--trust.dns', 'false', ...via];
  const published = await chordial(['publish', uri, 'sip:me@192.0.2.30:5060', '--key', key, ...nothing]);
  expect([published.code, published.stderr]).toEqual([0, '']);
  const found = await chordial(['lookup', uri, '--json', ...nothing]);
  expect([found.code, contactsIn(found.stdout)]).toEqual([0, ['sip:me@192.0.2.30:5060']]);
});

test('ring --json names every member, and exits 0 when all is well', async () => {
  const { code, stdout } = await chordial(['ring', '--json', ...via, ...TRUST]);
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

describe.concurrent('commands that need no ring', () => {
  test('check-config tells every problem at once and exits 2', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(
      file,
      'publicaton: public\noverlay: { replicas: 9 }\nsip: { listen: ["udp:0.0.0.0:5060"] }\n',
    );
    const { code, stdout, stderr } = await chordial(['check-config', '-c', file]);
    expect([code, stdout]).toEqual([2, '']);
    for (const problem of ['publicaton: unknown key', 'overlay.replicas', 'sip.advertise'])
      expect(stderr).toContain(problem);
  });

  test('check-config prints the effective configuration and exits 0', async () => {
    const { code, stdout } = await chordial(['check-config', '--domain', 'a.example']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('a.example')]);
  });

  test('keygen writes a key once, and what the domain publishes', async () => {
    const key = join(folder, 'new.pem');
    const args = ['keygen', '--domain', 'New.Example', '--selector', '3', '--out', key, '--json'];
    const { code, stdout } = await chordial(args);
    const made = JSON.parse(stdout) as { publicKey: string; dns: { name: string; value: string } }; // our own JSON
    expect(code).toBe(0);
    expect(made.dns).toMatchObject({
      name: '3._lsp.new.example.',
      value: `v=LSP1; k=ed25519; p=${made.publicKey}`,
    });
    const identity = identityFromPem(readFileSync(key, 'utf8'), { domain: 'new.example', selector: 3 });
    expect(identity.ok && Buffer.from(identity.value.publicKey).toString('base64')).toBe(made.publicKey);
    // A key that is overwritten is gone.
    expect((await chordial(args)).code).toBe(1);
  });

  test('users add takes the password from stdin, never shows it, and list and remove agree', async () => {
    const file = join(folder, 'users');
    const where = ['--file', file, '--domain', 'a.example'];
    const added = await chordial(['users', 'add', 'alice', ...where], 'wonderland\n');
    expect([added.code, added.stdout + added.stderr]).toEqual([0, expect.not.stringContaining('wonderland')]);
    expect(existsSync(file) && readFileSync(file, 'utf8')).toMatch(/^alice:a\.example:[0-9a-f]{32}\n$/);
    const listed = await chordial(['users', 'list', '--json', ...where]);
    expect(JSON.parse(listed.stdout)).toEqual({
      users: [{ user: 'alice', realm: 'a.example', algorithm: 'MD5' }],
    });
    expect((await chordial(['users', 'remove', 'alice', ...where])).code).toBe(0);
    expect((await chordial(['users', 'remove', 'alice', ...where])).code).toBe(4);
  });

  test('an unknown command exits 2', async () => {
    expect((await chordial(['sreve'])).code).toBe(2);
  });
});
