// Several whole registrars in this process that form one ring, and how a test waits for them.
import { type ServerOptions, startServer, type TestDomain, type TestServer, trustOf } from './servers.ts';
import { until } from './until.ts';

type Own = Partial<Omit<ServerOptions, 'domain' | 'trust' | 'seeds'>>;

const overlayOf = async ({ app }: TestServer): Promise<{ members: number; ready: boolean }> => {
  const { admin } = app.addresses;
  const response = await fetch(`http://${admin}/api/v1/status`);
  const status = (await response.json()) as { ready: boolean; overlay?: { members: number } }; // our own JSON
  return { members: status.overlay?.members ?? 0, ready: status.ready };
};

export class ServerRing {
  readonly #trust: ServerOptions['trust'];
  // BOUNDED: by the test.
  readonly #all: TestServer[] = [];

  /** Everybody vouches for these. */
  constructor(domains: readonly TestDomain[]) {
    this.#trust = trustOf(domains);
  }

  /** Starts one more; its seeds are those members that were started before and live. */
  async start(domain: TestDomain, own: Own = {}): Promise<TestServer> {
    const seeds = this.#all.flatMap(({ overlay, wire, config }) =>
      overlay === undefined || wire.dead || config.overlay.role === 'client' ? [] : [overlay],
    );
    const server = await startServer({ domain, trust: this.#trust, seeds, ...own });
    this.#all.push(server);
    return server;
  }

  /** Every one of these is ready and knows `count` members; how long it took. */
  settled(servers: readonly TestServer[], count: number, limitMs = 30_000): Promise<number> {
    return until(
      `${servers.length} ready, ${count} members`,
      async () => {
        const all = await Promise.all(servers.map(overlayOf));
        return all.every(({ members, ready }) => ready && members === count);
      },
      limitMs,
    );
  }

  /** Starts one for each domain, the first founds, and waits until they are one ring. */
  async startAll(
    domains: readonly TestDomain[],
    own: (index: number) => Own = () => ({}),
  ): Promise<TestServer[]> {
    const servers: TestServer[] = [];
    for (const [index, domain] of domains.entries()) servers.push(await this.start(domain, own(index)));
    await this.settled(servers, domains.length);
    return servers;
  }

  /** Ends them all as a crash does, and waits for what is left of them. */
  async end(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.kill()));
    await Promise.all(this.#all.map(({ app }) => app.stop()));
  }
}
