// What registrars as processes are configured with: one folder of key files and a trust file, and free ports.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint, formatEndpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { makeDomain, type TestDomain } from './servers.ts';

/** One registrar's configuration as flags: the same wherever it is started, but for addresses. */
export interface Site extends TestDomain {
  readonly keyFile: string;
  readonly flags: Readonly<Record<string, string>>;
}

export interface Sites {
  readonly folder: string;
  readonly trustFile: string;
  readonly sites: readonly Site[];
  remove(): void;
}

/** A trust file as `trust.file` reads it. */
export const trustText = (domains: readonly TestDomain[]): string => {
  const byDomain = new Map<string, string[]>();
  for (const { domain, selector, publicKey } of domains) {
    const keys = byDomain.get(domain) ?? [];
    keys.push(`${selector}: "${Buffer.from(publicKey).toString('base64')}"`);
    byDomain.set(domain, keys);
  }
  return [...byDomain].map(([domain, keys]) => `${domain}: { ${keys.join(', ')} }\n`).join('');
};

/** Keys and a trust file for registrars of these domains; `seeds` are everybody's. */
export function makeSites(
  names: readonly { readonly domain: string; readonly selector?: number }[],
  seeds: readonly Endpoint[],
): Sites {
  const folder = mkdtempSync(join(tmpdir(), 'chordial-ring-'));
  const trustFile = join(folder, 'trust.yaml');
  const domains = names.map(({ domain, selector = 0 }) => makeDomain(domain, selector));
  writeFileSync(trustFile, trustText(domains));
  const sites = domains.map((one): Site => {
    const keyFile = join(folder, `${one.domain}-${one.selector}.pem`);
    writeFileSync(keyFile, one.pem, { mode: 0o600 });
    const flags = {
      domain: one.domain,
      'identity.keyFile': keyFile,
      'identity.selector': String(one.selector),
      'trust.file': trustFile,
      'limits.perSourcePerSec': '1000000',
      ...(seeds.length === 0 ? {} : { 'overlay.seeds': seeds.map(formatEndpoint).join(',') }),
    };
    return { ...one, keyFile, flags };
  });
  return { folder, trustFile, sites, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** UDP addresses that were free just now: for seeds that have to be known before anybody runs. */
export async function freeEndpoints(count: number): Promise<readonly Endpoint[]> {
  const handlers = { onMessage: () => undefined, onError: () => undefined };
  const ports = await Promise.all(
    Array.from({ length: count }, () => openDatagram({ host: '127.0.0.1', port: 0 }, handlers)),
  );
  const endpoints = ports.map(({ local }) => local);
  await Promise.all(ports.map((port) => port.close()));
  return endpoints;
}
