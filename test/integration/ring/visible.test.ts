// What an operator sees of a ring of three over real sockets: FIND, QUERY and PUBLISH alone, a trace, a broken ring.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LspClient } from '../../../src/index.ts';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { type CliRun, runCommand } from '../../support/cli.ts';
import { ServerRing } from '../../support/server-ring.ts';
import type { TestServer } from '../../support/servers.ts';
import { makeSites } from '../../support/sites.ts';

const { sites, trustFile, remove } = makeSites(
  ['a.example', 'b.example', 'c.example'].map((domain) => ({ domain })),
  [],
);
const ring = new ServerRing(sites);
let servers: readonly TestServer[];
let via = '';
beforeAll(async () => {
  servers = await ring.startAll(sites);
  via = formatEndpoint(servers[0]?.overlay ?? { host: '', port: 0 });
}, 60_000);
afterAll(async () => {
  await ring.end();
  remove();
});

const run = (...args: readonly string[]): Promise<CliRun> =>
  runCommand([...args, '--via', via, '--trust.file', trustFile, '--trust.dns', 'false']);
const key = ['--key', sites[0]?.keyFile ?? ''];

describe.each([
  ['sip:desk@a.example', 'sip:desk@192.0.2.20:5060'],
  ['h323:hall@a.example', 'h323:hall@192.0.2.21:1720'],
  ['xmpp:juliet@a.example', 'xmpp:juliet@192.0.2.22'],
])('%s', (uri, contact) => {
  test('FIND, PUBLISH and QUERY are each usable alone, and a trace shows all of it', async () => {
    const found = JSON.parse((await run('find', uri, '--json')).stdout);
    expect(found).toMatchObject({ uri, key: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect(found.replicas.map(({ domain }: { domain: string }) => domain).sort()).toEqual([
      'a.example',
      'b.example',
      'c.example',
    ]);
    expect((await run('publish', uri, contact, '--expires', '600', ...key)).code).toBe(0);
    const looked = JSON.parse((await run('lookup', uri, '--json')).stdout);
    expect(looked.bindings).toMatchObject([{ contact }]);

    const traced = await run('trace', uri, '--json');
    const trace = JSON.parse(traced.stdout);
    expect(traced.code).toBe(0);
    expect(trace).toMatchObject({
      uri,
      key: found.key,
      result: 'found',
      bindings: [{ contact }],
      differences: [],
    });
    expect(trace.steps.at(-1)).toMatchObject({ result: 'replicas', depth: 1, rttMs: expect.any(Number) });
    const ids = found.replicas.map(({ id }: { id: string }) => id);
    expect(trace.replicas.map(({ id }: { id: string }) => id)).toEqual(ids);
    for (const one of trace.replicas)
      expect(one).toMatchObject({ said: 'entries', settled: true, bindings: [{ contact }], replicas: ids });

    const text = await run('trace', uri);
    expect(text.stdout).toContain('3 of 3 replicas answered, and agree');
    expect(text.stdout).toMatch(
      new RegExp(`owner\\t\\w\\.example/0\\t.*${contact.replace('.', '\\.')} \\(\\d+ s\\)`),
    );
    expect((await run('withdraw', uri, ...key)).code).toBe(0);
    const after = await run('trace', uri, '--json');
    expect([after.code, JSON.parse(after.stdout).replicas.map(({ said }: { said: string }) => said)]).toEqual(
      [4, ['none', 'none', 'none']],
    );
  });
});

test('a replica that does not answer is told of as such, and is no party to a disagreement', async () => {
  const uri = 'sip:gap@a.example';
  expect((await run('publish', uri, 'sip:gap@192.0.2.30', ...key)).code).toBe(0);
  const deaf = servers[2];
  if (deaf === undefined) throw new Error('no third server');
  deaf.wire.cut = true;
  const { code, stdout } = await run('trace', uri, '--json');
  deaf.wire.cut = false;
  const trace = JSON.parse(stdout);
  const third = trace.replicas.find(({ domain }: { domain: string }) => domain === 'c.example');
  expect([code, third.said, third.bindings, trace.differences]).toEqual([0, 'timeout', null, []]);
});

test('where nobody answers, find and trace end with 3', async () => {
  const nowhere = ['--via', '127.0.0.1:1', '--trust.dns', 'false'];
  for (const command of ['find', 'trace'])
    expect(await runCommand([command, 'sip:bob@a.example', ...nowhere])).toMatchObject({
      code: 3,
      stdout: '',
    });
});

test('the library traces, too', async () => {
  const client = new LspClient({
    via: servers.flatMap(({ overlay }) => overlay ?? []),
    dns: false,
  });
  await client.start();
  try {
    const trace = await client.trace('sip:nobody@a.example');
    expect(trace).toMatchObject({ result: { kind: 'none' }, differences: [], roundTrips: 1 });
    expect(trace.answers.map(({ said }) => said)).toEqual(['none', 'none', 'none']);
  } finally {
    await client.stop();
  }
});

test('a member that does not answer is named, and who lists it', async () => {
  const second = servers[1];
  if (second === undefined) throw new Error('no second server');
  second.wire.cut = true;
  const { code, stdout } = await run('ring', '--looks', '1');
  second.wire.cut = false;
  expect(code).toBe(1);
  expect(stdout).toMatch(/b\.example\/0 \(\w{8}\) is listed by .*a\.example\/0.* and does not answer/);
});
