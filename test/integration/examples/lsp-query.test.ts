// The client that was written from docs/lsp.md and docs/lsp-entry.md alone, in another language, against a node that runs.
import { execFile, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';

const hasPython =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0;
const biloxi = makeDomain('biloxi.example');

// A machine without Python has nothing to try the example with.
describe.skipIf(!hasPython)('examples/lsp_query.py', () => {
  let server: TestServer;
  let phones: SipClient;
  beforeAll(async () => {
    server = await startServer({ domain: biloxi, trust: trustOf([biloxi]) });
    phones = await SipClient.open();
  });
  afterAll(async () => {
    await phones.close();
    await server.app.stop();
  });

  const lookup = (
    uri: string,
    publicKey: Uint8Array = biloxi.publicKey,
    overlay = 'lsp',
  ): Promise<{ code: number; contacts: string[] }> =>
    new Promise((resolve) => {
      if (server.overlay === undefined) throw new Error('a member');
      const key = Buffer.from(publicKey).toString('base64');
      const via = formatEndpoint(server.overlay);
      const args = ['examples/lsp_query.py', uri, via, '--key', key, '--overlay', overlay];
      execFile('python3', args, (error, stdout) => {
        const contacts = stdout.split('\n').filter((line) => line !== '');
        resolve({
          code: Number(error?.code ?? 0),
          contacts: contacts.map((line) => line.split(' ')[0] ?? ''),
        });
      });
    });
  const register = async (user: string, contacts: readonly string[], expires = 600, cseq = 1) => {
    for (const [index, contact] of contacts.entries()) {
      const options = { contact: `<${contact}>`, expires, callId: `${user}${index}`, cseq };
      const answer = await phones.register(server.sip, `sip:${user}@biloxi.example`, options);
      expect(answer.status).toBe(200);
    }
  };

  test('finds what a phone registered, opens it and checks its signature', async () => {
    await register('bob', ['sip:bob@192.0.2.4:5060;transport=tcp']);
    const found = await lookup('sip:bob@Biloxi.Example');
    expect(found).toEqual({ code: 0, contacts: ['sip:bob@192.0.2.4:5060;transport=tcp'] });
  });

  test('fetches an answer of several datagrams, the newest contact first', async () => {
    const contacts = Array.from({ length: 9 }, (_, index) => `sip:many@192.0.2.${index + 1}:5060`);
    await register('many', contacts);
    expect((await lookup('sips:many@biloxi.example')).contacts).toEqual(contacts.toReversed());
  });

  test('finds nothing that was removed, never was there, or another key signed', async () => {
    await register('eve', ['sip:eve@192.0.2.5']);
    await register('eve', ['sip:eve@192.0.2.5'], 0, 2);
    const nothing = { code: 4, contacts: [] };
    expect(await lookup('sip:eve@biloxi.example')).toEqual(nothing);
    expect(await lookup('sip:nobody@biloxi.example')).toEqual(nothing);
    await register('rob', ['sip:rob@192.0.2.6']);
    expect(await lookup('sip:rob@biloxi.example', makeDomain('other.example').publicKey)).toEqual(nothing);
  });

  test('is told when it asks in another overlay', async () => {
    expect((await lookup('sip:bob@biloxi.example', biloxi.publicKey, 'other')).code).toBe(3);
  });
});
