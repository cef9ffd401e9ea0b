// A registrar that is a client of the ring, in this process, with its storing nodes as processes apart: what grows here is its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatEndpoint } from '../../src/runtime/datagram.ts';
import { heapAfterCollection } from './heap.ts';
import { type ServerProcess, startProcess } from './server-process.ts';
import { makeDomain, startServer, type TestServer, trustOf } from './servers.ts';
import { inParallel, SipClient } from './sip-client.ts';

const AT_ONCE = 64;

export class ClientRegistrar {
  readonly #folder: string;
  readonly #members: readonly ServerProcess[];
  readonly #server: TestServer;
  readonly #phone: SipClient;

  private constructor(
    folder: string,
    members: readonly ServerProcess[],
    server: TestServer,
    phone: SipClient,
  ) {
    this.#folder = folder;
    this.#members = members;
    this.#server = server;
    this.#phone = phone;
  }

  static async start(): Promise<ClientRegistrar> {
    const folder = mkdtempSync(join(tmpdir(), 'chordial-client-'));
    const domain = makeDomain('office.example');
    const stores = ['store0.example', 'store1.example', 'store2.example'].map((name) => makeDomain(name));
    const trustFile = join(folder, 'trust.yaml');
    const entries = [domain, ...stores].map(
      (one) => `${one.domain}: { 0: "${Buffer.from(one.publicKey).toString('base64')}" }`,
    );
    writeFileSync(trustFile, entries.join('\n'));
    const members: ServerProcess[] = [];
    for (const store of stores) {
      const keyFile = join(folder, `${store.domain}.pem`);
      writeFileSync(keyFile, store.pem, { mode: 0o600 });
      const seeds = members.map(({ overlay }) => formatEndpoint(overlay)).join(',');
      members.push(
        await startProcess({
          domain: store.domain,
          'identity.keyFile': keyFile,
          'trust.file': trustFile,
          ...(seeds === '' ? {} : { 'overlay.seeds': seeds }),
        }),
      );
    }
    const server = await startServer({
      domain,
      trust: trustOf([domain, ...stores]),
      seeds: members.map(({ overlay }) => overlay),
      config: { overlay: { role: 'client' } },
    });
    await server.app.ready;
    return new ClientRegistrar(folder, members, server, await SipClient.open());
  }

  /** Registers users `from` to `to` - 1, every one answered 200. */
  async register(from: number, to: number): Promise<void> {
    await inParallel(to - from, AT_ONCE, async (index) => {
      const user = `user${from + index}`;
      const answer = await this.#phone.register(this.#server.sip, `sip:${user}@office.example`, {
        contact: `<sip:${user}@192.0.2.7:5060>`,
        expires: 3600,
      });
      if (answer.status !== 200) throw new Error(`${user}: ${answer.text}`);
    });
  }

  /** Heap of this process after collection, in bytes. */
  heap(): number {
    return heapAfterCollection();
  }

  async stop(): Promise<void> {
    await this.#phone.close();
    await this.#server.app.stop();
    for (const member of this.#members) await member.end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
