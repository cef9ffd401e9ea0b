import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LiveTls } from '../../src/app-tls.ts';
import { parseConfig } from '../../src/config.ts';
import { loadTls } from '../../src/config-tls-files.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { type CertificateWish, createAuthority, type Pair } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/until.ts';

const authority = createAuthority();
const pair = (wish: Partial<CertificateWish> = {}): Pair =>
  authority.issue({ commonName: 'a.example', names: ['DNS:a.example'], notBeforeMs: 0, ...wish });

let folder = '';
let clock: ManualClock;
let lines: string[];
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-tls-'));
  clock = new ManualClock();
  lines = [];
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const write = ({ certPem, keyPem }: Pair, prefix = '') => {
  writeFileSync(path(`${prefix}cert.pem`), certPem);
  writeFileSync(path(`${prefix}key.pem`), keyPem);
};

const configOf = (tree: object = {}) => {
  const parsed = parseConfig({
    domain: ['a.example', 'b.example'],
    sip: {
      listen: ['tls:127.0.0.1:0'],
      tls: { certFile: path('cert.pem'), keyFile: path('key.pem') },
    },
    ...tree,
  });
  if (!parsed.ok) throw new Error(parsed.error.join('\n'));
  return parsed.value;
};

const start = async (tree: object = {}) => {
  const config = configOf(tree);
  const loaded = loadTls(config);
  if (!loaded.ok) throw new Error(loaded.error.join('\n'));
  const metrics = new MetricsRegistry();
  const take = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
  const tls = new LiveTls(
    {
      clock,
      random: { bytes: (count) => new Uint8Array(count), float: () => 0.5 },
      log: { ...silentLog, info: take('info'), warn: take('warn'), error: take('error') },
      metrics,
      background: { background: (_, promise) => void promise },
    },
    config,
    loaded.value,
  );
  await tls.start();
  closers.push(() => tls.stop());
  return { tls, config, metrics };
};
const inForce = (tls: LiveTls) => tls.identity.all.get('default')?.fingerprint;
/** Lets time pass until `holds`; each look at the files takes turns of the event loop that no clock knows. */
const passes = (holds: () => boolean) =>
  until('what the files hold is known', () => {
    clock.advance(3000);
    return holds();
  });

describe('files that change', () => {
  test('are in force without a signal, written in place', async () => {
    write(pair());
    const { tls } = await start();
    const before = inForce(tls);

    write(pair());

    await passes(() => inForce(tls) !== before);
    expect(lines.join('\n')).toMatch(/^info: a new certificate is in force/);
  });

  test('exchanged by links to another folder, as certbot and Kubernetes do it', async () => {
    for (const name of ['one', 'two']) {
      mkdirSync(path(name));
      write(pair(), `${name}/`);
    }
    symlinkSync('one', path('live'));
    const files = { certFile: path('live/cert.pem'), keyFile: path('live/key.pem') };
    const { tls } = await start({ sip: { listen: ['tls:127.0.0.1:0'], tls: files } });
    const before = inForce(tls);

    symlinkSync('two', path('next'));
    renameSync(path('next'), path('live'));

    await passes(() => inForce(tls) !== before);
  });

  test('a key that does not belong to its certificate is told once, in words, and changes nothing', async () => {
    write(pair());
    const { tls } = await start();
    const before = inForce(tls);

    writeFileSync(path('cert.pem'), pair().certPem);

    await passes(() => lines.length > 0);
    expect(lines[0]).toMatch(/^error: .*the key does not belong to the certificate/);
    expect(inForce(tls)).toBe(before);
    // The pair that is whole again is the next thing that is told: nothing was, in between.
    write(pair());
    await passes(() => inForce(tls) !== before);
    expect(lines.map((line) => line.split(':')[0])).toEqual(['error', 'info']);
  });

  test.each([
    ['half written', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
  ])('a certificate that is %s changes nothing, and the whole one is taken when it comes', async (_, cut) => {
    write(pair());
    const { tls } = await start();
    const before = inForce(tls);
    const next = pair();
    write({ ...next, certPem: cut(next.certPem) });
    await passes(() => lines.length > 0);
    expect(inForce(tls)).toBe(before);

    write(next);

    await passes(() => inForce(tls) !== before);
  });

  test('files that are gone change nothing', async () => {
    write(pair());
    const { tls } = await start();
    const before = inForce(tls);
    rmSync(path('key.pem'));
    await passes(() => lines.length > 0);
    expect(lines[0]).toMatch(/sip\.tls\.keyFile: cannot read/);
    expect(inForce(tls)).toBe(before);
  });
});

describe('SIGHUP', () => {
  test('takes over at once what changed, and certificates that came or went with the configuration', async () => {
    write(pair());
    write(pair({ commonName: 'b', names: ['DNS:b.example'] }), 'b-');
    const { tls, config } = await start();
    const before = inForce(tls);
    write(pair());
    const files = { certFile: path('b-cert.pem'), keyFile: path('b-key.pem') };

    tls.reload(configOf({ domains: { 'b.example': { tls: files } } }));
    expect(inForce(tls)).not.toBe(before);
    expect([...tls.identity.all.keys()]).toEqual(['default', 'b.example']);

    tls.reload(config);
    expect([...tls.identity.all.keys()]).toEqual(['default']);
  });

  test('the same certificate with the one that vouches for it behind it is another', async () => {
    const one = pair();
    write(one);
    const { tls, config } = await start();
    const before = tls.identity.contextFor(undefined);

    write({ ...one, certPem: one.certPem + authority.certPem });
    tls.reload(config);

    expect(tls.identity.contextFor(undefined)).not.toBe(before);
    expect(lines.join('\n')).toMatch(/^info: a new certificate is in force/);
  });

  test('a certificate that did not change stays the one that clients have tickets of', async () => {
    write(pair());
    const { tls, config } = await start();
    const before = tls.identity.contextFor(undefined);
    tls.reload(config);
    expect(tls.identity.contextFor(undefined)).toBe(before);
    expect(lines).toEqual([]);
  });
});

describe('the end of a certificate', () => {
  const DAY_MS = 86_400_000;
  test.each([
    ['far away is not told', 30, []],
    ['near is a warning each day', 10, ['warn', 'warn']],
    ['behind us is an error each day', -1, ['error', 'error']],
  ])('%s', async (_, days, levels) => {
    const nowMs = clock.wallMs();
    write(pair({ notBeforeMs: nowMs - 400 * DAY_MS, notAfterMs: nowMs + days * DAY_MS }));
    await start();
    clock.advance(DAY_MS);
    expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual(levels);
  });

  test('can be read from the metrics', async () => {
    write(pair({ notAfterMs: 2_000_000_000_000 }));
    const { metrics } = await start();
    expect(metrics.text()).toContain(
      'chordial_tls_certificate_not_after_seconds{domain="default"} 2000000000\n',
    );
  });
});

test.each<[string, (pair: Pair) => Pair, string]>([
  [
    'a key of another',
    (one) => ({ ...one, keyPem: pair().keyPem }),
    'the key does not belong to the certificate',
  ],
  ['no key', (one) => ({ ...one, keyPem: 'no key' }), 'the key cannot be read'],
  ['no certificate', (one) => ({ ...one, certPem: 'none' }), 'the certificate cannot be read'],
])('%s is a problem of the configuration at start, in words', (_, change, words) => {
  write(change(pair()));
  const loaded = loadTls(configOf());
  expect(loaded.ok ? '' : loaded.error.join('\n')).toMatch(new RegExp(`^sip\\.tls: ${words}`));
});
