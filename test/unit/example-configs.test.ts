import { readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { isLoopbackOnly } from '../../src/config-loopback.ts';
import { loadConfig } from '../../src/config-sources.ts';
import { selfCertifiedKey } from '../../src/record/self-certifying.ts';

/** The configuration that an example is; the files it names are the operator's and don't exist here. */
const load = (name: string): Config => {
  const path = `config/${name}`;
  const loaded = loadConfig({ file: { path, text: readFileSync(path, 'utf8') }, environment: {}, flags: {} });
  if (!loaded.ok) throw new Error(`${path}:\n${loaded.error.join('\n')}`);
  return loaded.value;
};

const EXAMPLES = readdirSync('config').filter((name) => name.endsWith('.yaml') && name !== 'default.yaml');

test('there is an example for an office, two tenants, public, hybrid and pure peer-to-peer', () => {
  expect(EXAMPLES.toSorted()).toEqual([
    'hybrid.yaml',
    'office-local.yaml',
    'office.yaml',
    'public.yaml',
    'pure-p2p.yaml',
  ]);
});

describe.each(EXAMPLES)('config/%s', (name) => {
  test('has no problems', () => {
    expect(() => load(name)).not.toThrow();
  });

  test('asks for passwords wherever others can register', () => {
    const { sip } = load(name);
    const beyond = sip.listen.some((one) => !one.host.startsWith('127.'));
    expect(sip.auth.mode).toBe(beyond ? 'digest' : 'none');
  });

  test('uses only names and addresses that are reserved for documentation', () => {
    const { domain, aliases, domains, sip, overlay, limits } = load(name);
    const own = Object.values(domains);
    const peers = [...sip.auth.trustedPeers, ...own.flatMap(({ auth }) => auth?.trustedPeers ?? [])];
    const ranges = [...limits.trusted, ...peers].map((one) => one.replace(/^tcp:|\/\d+$/g, ''));
    const hosts = [
      ...domain,
      ...aliases,
      ...own.flatMap((one) => one.aliases ?? []),
      sip.advertise,
      ...sip.listen.map((one) => one.host),
    ]
      .concat(
        overlay.seeds.map((one) => one.host),
        ranges.filter((one) => one !== '::1'),
      )
      .filter((host) => host !== '');
    const isReserved = (host: string): boolean =>
      isIP(host) === 0
        ? /\.(example|alt)$/.test(host)
        : /^(192\.0\.2|198\.51\.100|203\.0\.113|127)\./.test(host);
    expect(hosts.filter((host) => !isReserved(host))).toEqual([]);
  });
});

test('the office needs no key and no ring', () => {
  const { publication, identity } = load('office-local.yaml');
  expect({ publication, key: identity.keyFile }).toEqual({ publication: 'local', key: '' });
});

test('two tenants have nothing in common but the process', () => {
  const config = load('office.yaml');
  const south = config.domains['south.example'];
  expect(config.domain).toEqual(['north.example', 'south.example']);
  expect([south?.auth?.usersFile, south?.auth?.secretFile, south?.identity?.keyFile]).not.toContain(
    undefined,
  );
  expect(new Set([config.sip.auth.usersFile, south?.auth?.usersFile]).size).toBe(2);
  expect(new Set([config.sip.auth.secretFile, south?.auth?.secretFile]).size).toBe(2);
  expect(new Set([config.identity.keyFile, south?.identity?.keyFile]).size).toBe(2);
});

test('public and hybrid sign with a key of their own', () => {
  for (const name of ['public.yaml', 'hybrid.yaml'] as const) {
    const config = load(name);
    expect(`${config.publication}.yaml`).toBe(name);
    expect(config.identity.keyFile).toMatch(/\.pem$/);
    expect(isLoopbackOnly(config)).toBe(false);
  }
});

test('the pure peer-to-peer domain is a key', () => {
  const { domain, overlay } = load('pure-p2p.yaml');
  expect(selfCertifiedKey(domain[0])).toHaveLength(32);
  expect(overlay.role).toBe('client');
});
