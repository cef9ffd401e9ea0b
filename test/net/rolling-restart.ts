// Every registrar of a ring is restarted, one after the other, while phones register and call and a program looks up.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { LspClient } from '../../src/lsp-client.ts';
import { type Endpoint, formatEndpoint } from '../../src/runtime/datagram.ts';
import { isReady, statusOf } from '../support/admin-client.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { SipClient } from '../support/sip-client.ts';
import { makeSites } from '../support/sites.ts';
import { until } from '../support/until.ts';

export interface RollingOptions {
  readonly registrars: number;
  readonly users: number;
  /** Callers, registering phones and programs that look up, of each so many at once. */
  readonly lanes: number;
  readonly pauseMs: number;
  /** How long the ring is left alone between two restarts. */
  readonly restMs: number;
  readonly limitMs: number;
}

export interface RollingFigures {
  readonly restarts: number;
  readonly seconds: number;
  readonly calls: number;
  readonly registrations: number;
  readonly lookups: number;
  /** Requests to the registrar that was just stopping, answered by another: what DNS SRV is for (RFC 3263 §4.3). */
  readonly failovers: number;
  /** REGISTERs that a registrar in service answered with 503 and Retry-After, as it may: the phone sent them again. */
  readonly repeated: number;
  /** The longest that a phone waited for a 200 to REGISTER, repetitions included. */
  readonly registerMs: number;
  /** From SIGTERM to the end of the process, the longest. */
  readonly stopMs: number;
  /** From its start to ready and a ring of all, the longest. */
  readonly backMs: number;
  /** Calls and lookups that did not give the latest acknowledged contact or a later one, registrations not taken. */
  readonly failed: readonly string[];
  /** Bindings that were not there in the end. */
  readonly lost: readonly string[];
}

const DOMAIN = 'a.example';
/** A registrar answers a REGISTER within 5 s, if only with 503 and Retry-After. */
const NO_ANSWER_MS = 8000;
const TRIES = 3;

interface User {
  readonly aor: string;
  acked: number;
  tried: number;
  busy: boolean;
}

interface Registrar {
  server: ServerProcess;
  /** In DNS, so to say: true until it is told to stop, and again when it is ready. */
  serving: boolean;
}

export const rollingRestart = async (options: RollingOptions): Promise<RollingFigures> => {
  const { registrars: count, lanes, pauseMs, limitMs } = options;
  const names = Array.from({ length: count }, (_, selector) => ({ domain: DOMAIN, selector }));
  const made = makeSites(names, []);
  // BOUNDED: by the test, all of these.
  const registrars: Registrar[] = [];
  const failed: string[] = [];
  const lost: string[] = [];
  const users: readonly User[] = Array.from({ length: options.users }, (_, index) => ({
    aor: `sip:user${index}@${DOMAIN}`,
    acked: 0,
    tried: 0,
    busy: false,
  }));
  const figures = {
    calls: 0,
    registrations: 0,
    lookups: 0,
    failovers: 0,
    repeated: 0,
    registerMs: 0,
    stopMs: 0,
    backMs: 0,
  };
  const phones = await SipClient.open();

  const random = <T>(list: readonly T[]): T => {
    const one = list[Math.floor(Math.random() * list.length)];
    if (one === undefined) throw new Error('nobody to choose from');
    return one;
  };
  const seeds = (): readonly Endpoint[] =>
    registrars.filter((one) => one.serving).map((one) => one.server.overlay);
  const start = (selector: number): Promise<ServerProcess> => {
    const known = seeds().slice(0, 3).map(formatEndpoint).join(',');
    return startProcess({
      ...made.sites[selector]?.flags,
      ...(known === '' ? {} : { 'overlay.seeds': known }),
    });
  };
  const ringOfAll = async (): Promise<boolean> => {
    for (const { server, serving } of registrars) {
      if (!serving || !(await isReady(server.admin))) return false;
      if ((await statusOf(server.admin)).overlay?.members !== count) return false;
    }
    return registrars.length === count;
  };
  const contactOf = (user: User, seq: number): string =>
    `${user.aor.replace(`@${DOMAIN}`, '@192.0.2.8')}:${5000 + seq}`;
  const goodFrom = (user: User, least: number): readonly string[] =>
    Array.from({ length: user.tried - least + 1 }, (_, at) => contactOf(user, least + at));

  /** At a registrar, and where that one is just going, at another. */
  const asked = async (ask: (at: Endpoint) => Promise<string>): Promise<string> => {
    let said = '';
    for (let tries = 0; tries < TRIES; tries += 1) {
      const registrar = random(registrars.filter(({ serving }) => serving));
      said = await ask(registrar.server.sip).catch((error: unknown) => String(error));
      if (said.startsWith('200') || said.startsWith('302')) return said;
      if (!registrar.serving) figures.failovers += 1;
      else if (said.startsWith('503 later')) figures.repeated += 1;
      else return said;
    }
    return said;
  };
  const register = async (user: User): Promise<void> => {
    if (user.busy) return;
    user.busy = true;
    user.tried += 1;
    const seq = user.tried;
    const startedMs = performance.now();
    const contact = `<${contactOf(user, seq)}>;+sip.instance="<urn:uuid:${user.aor.slice(4)}>";reg-id=1`;
    const said = await asked(async (at) => {
      const answer = await phones.register(at, user.aor, {
        contact,
        expires: 3600,
        cseq: seq,
        giveUpMs: NO_ANSWER_MS,
      });
      const later = answer.status === 503 && answer.header('retry-after').length > 0;
      return later ? '503 later' : String(answer.status);
    });
    if (said === '200') {
      user.acked = seq;
      figures.registerMs = Math.max(figures.registerMs, performance.now() - startedMs);
    } else failed.push(`REGISTER ${seq} of ${user.aor}: ${said}`);
    figures.registrations += 1;
    user.busy = false;
  };
  const call = async (user: User): Promise<string | undefined> => {
    const least = user.acked;
    const said = await asked(async (at) => {
      const answer = await phones.invite(at, user.aor);
      return `${answer.status} ${answer.header('contact')}`;
    });
    figures.calls += 1;
    const good = goodFrom(user, least).map((contact) => `302 <${contact}>`);
    return good.includes(said) ? undefined : `INVITE ${user.aor}: ${said}, not ${good}`;
  };
  const tell = (problem: string | undefined): void => {
    if (problem !== undefined) failed.push(problem);
  };

  let library: LspClient | undefined;
  let going = true;
  try {
    registrars.push({ server: await start(0), serving: true });
    const others = await Promise.all(names.slice(1).map(({ selector }) => start(selector)));
    registrars.push(...others.map((server) => ({ server, serving: true })));
    await until('one ring', ringOfAll, limitMs);
    const program = new LspClient({
      via: seeds().slice(0, 2),
      trust: readFileSync(made.trustFile, 'utf8'),
      dns: false,
    });
    library = program;
    await program.start();
    const lookUp = async (user: User): Promise<string | undefined> => {
      const least = user.acked;
      const result = await program.lookup(user.aor);
      figures.lookups += 1;
      const contacts =
        result.kind === 'found' ? result.bindings.map(({ contact }) => contact) : [result.kind];
      const good = goodFrom(user, least);
      return contacts.length === 1 && good.includes(contacts[0] ?? '')
        ? undefined
        : `lookup ${user.aor}: ${contacts}, not ${good}`;
    };

    for (const user of users) await register(user);
    const lane = async (work: (user: User) => Promise<void>): Promise<void> => {
      while (going) {
        await work(random(users));
        await wait(pauseMs);
      }
    };
    const load = Promise.all(
      Array.from({ length: lanes }, () => [
        lane(register),
        lane(async (user) => tell(await call(user))),
        lane(async (user) => tell(await lookUp(user))),
      ]).flat(),
    );
    const startedMs = performance.now();
    for (const [selector, registrar] of registrars.entries()) {
      await wait(options.restMs);
      registrar.serving = false;
      const stoppingMs = performance.now();
      const code = await registrar.server.end('SIGTERM');
      if (code !== 0) failed.push(`registrar ${selector} ended with ${code}`);
      figures.stopMs = Math.max(figures.stopMs, performance.now() - stoppingMs);
      const bootMs = performance.now();
      registrar.server = await start(selector);
      registrar.serving = true;
      await until(`registrar ${selector} is back`, ringOfAll, limitMs);
      figures.backMs = Math.max(figures.backMs, performance.now() - bootMs);
    }
    await wait(options.restMs);
    going = false;
    await load;
    const seconds = (performance.now() - startedMs) / 1000;
    for (const user of users) {
      const problems = [await call(user), await lookUp(user)];
      lost.push(...problems.flatMap((problem) => (problem === undefined ? [] : [problem])));
    }
    return { restarts: count, seconds, ...figures, failed, lost };
  } finally {
    going = false;
    await library?.stop();
    await Promise.all(registrars.map(({ server }) => server.end('SIGKILL')));
    await phones.close();
    made.remove();
  }
};

export const figuresText = (figures: RollingFigures): string =>
  `${figures.restarts} restarts in ${figures.seconds.toFixed(0)} s: ${figures.calls} calls, ` +
  `${figures.registrations} registrations, ${figures.lookups} lookups by a program; ` +
  `${figures.failovers} sent on by the one that was stopping; ` +
  `${figures.repeated} REGISTERs repeated after 503, the longest took ${(figures.registerMs / 1000).toFixed(1)} s; ` +
  `stopped in ${(figures.stopMs / 1000).toFixed(1)} s at most, back in ${(figures.backMs / 1000).toFixed(1)} s at most; ` +
  `failed: ${figures.failed.length}, lost: ${figures.lost.length}\n` +
  [...figures.failed, ...figures.lost].slice(0, 20).join('\n');
