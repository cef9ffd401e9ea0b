// Network namespaces, one a member, on two bridges that a single link connects: a partition is that link going down.
import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Member } from './fleet.ts';
import type { Line } from './impaired.ts';

const run = promisify(execFile);
const NET = '10.77';
const ARP_LIMITS = [1, 2, 3].map((n) => `/proc/sys/net/ipv4/neigh/default/gc_thresh${n}`);

/**
 * All namespaces of a machine share one ARP table, of 1024 entries by default: beyond 32 members that all speak to each other
 * the kernel drops datagrams ("neighbor table overflow"). Resolves with what puts the limits back.
 */
const roomForNeighbours = async (count: number): Promise<() => Promise<void>> => {
  const before = await Promise.all(
    ARP_LIMITS.map(async (path) => [path, await readFile(path, 'utf8')] as const),
  );
  const needed = 2 * (count + 1) ** 2;
  for (const [path, limit] of before) if (Number(limit) < needed) await writeFile(path, String(needed));
  return async () => {
    for (const [path, limit] of before) await writeFile(path, limit);
  };
};

export interface Namespaces {
  readonly hostOf: (index: number) => string;
  readonly namespaceOf: (host: string) => string;
  /** An address outside of all of them, on the bridge of the majority. */
  readonly observer: string;
  partition(minority: readonly Member[], cut: boolean): Promise<void>;
  remove(): Promise<void>;
}

/** `nfdelay`: a program that delays what iptables queues to it, called as `nfdelay QUEUE DELAY_MS JITTER_MS LOSS_PERCENT`. */
export const createNamespaces = async (
  count: number,
  options: { readonly line: Line; readonly nfdelay?: string | undefined },
): Promise<Namespaces> => {
  const tag = `cd${process.pid}`;
  const ip = (...args: string[]): Promise<unknown> => run('ip', args);
  const bridges = [`${tag}a`, `${tag}b`] as const;
  const hostOf = (index: number): string => `${NET}.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;
  const indexOf = (host: string): number => {
    const [, , high = '1', low = '1'] = host.split('.');
    return (Number(high) - 1) * 200 + Number(low) - 1;
  };
  const namespaceOf = (host: string): string => `${tag}n${indexOf(host)}`;
  const cable = (index: number): string => `${tag}v${index}`;
  const observer = `${NET}.250.250`;
  const delayers: (() => void)[] = [];
  const restore = await roomForNeighbours(count);

  const remove = async (): Promise<void> => {
    for (const end of delayers) end();
    for (let index = 0; index < count; index += 1)
      await ip('netns', 'del', namespaceOf(hostOf(index))).catch(() => undefined);
    for (const bridge of bridges) await ip('link', 'del', bridge).catch(() => undefined);
    await ip('link', 'del', `${tag}x`).catch(() => undefined);
    await restore();
  };

  try {
    for (const bridge of bridges) {
      await ip('link', 'add', bridge, 'type', 'bridge');
      await ip('link', 'set', bridge, 'up');
    }
    await ip('link', 'add', `${tag}x`, 'type', 'veth', 'peer', 'name', `${tag}y`);
    await ip('link', 'set', `${tag}x`, 'master', bridges[0], 'up');
    await ip('link', 'set', `${tag}y`, 'master', bridges[1], 'up');
    await ip('addr', 'add', `${observer}/16`, 'dev', bridges[0]);
    for (let index = 0; index < count; index += 1) {
      const namespace = namespaceOf(hostOf(index));
      await ip('netns', 'add', namespace);
      await ip('link', 'add', cable(index), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      await ip('link', 'set', cable(index), 'master', bridges[0], 'up');
      await ip('-n', namespace, 'addr', 'add', `${hostOf(index)}/16`, 'dev', 'eth0');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
      if (options.nfdelay === undefined) continue;
      const inside = ['netns', 'exec', namespace];
      const { delayMs, jitterMs, loss } = options.line;
      await ip(...inside, ...'iptables -A INPUT -i eth0 -p udp -j NFQUEUE --queue-num 0'.split(' '));
      const line = [0, delayMs, jitterMs, 100 * loss].map(String);
      const delayer = spawn('ip', [...inside, options.nfdelay, ...line], { stdio: 'ignore' });
      delayers.push(() => delayer.kill('SIGKILL'));
    }
  } catch (error) {
    await remove();
    throw error;
  }

  return {
    hostOf,
    namespaceOf,
    observer,
    remove,
    async partition(minority, cut) {
      // First onto the other bridge, where all still reach each other; then the link between the two goes.
      for (const { at } of minority)
        await ip('link', 'set', cable(indexOf(at.host)), 'master', bridges[cut ? 1 : 0]);
      await ip('link', 'set', `${tag}x`, cut ? 'down' : 'up');
    },
  };
};
