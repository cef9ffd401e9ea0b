// Members behind a forwarded port: what they send of their own accord comes from an address that is not the advertised one.
import { expect, test } from 'vitest';
import { createForwarder } from '../../support/forwarder.ts';
import { OverlayWorld, PORT } from '../../support/overlay-world.ts';

test.each([
  [5, 8],
  [16, 4],
])(
  'a ring of %i (successors %i), two of them behind forwarded ports, joins, serves and repairs',
  async (count, successors) => {
    const overlay = new OverlayWorld({ seed: 230 + count, successors });
    await overlay.ring(count - 2);
    // As a NAT does: in comes what was forwarded, and what answers something that went out.
    const opened = new Set<string>();
    const inside = new Set(['10.7.0.1', '10.7.0.2']);
    overlay.network.setFilter(({ from, to }) => {
      if (inside.has(from.host)) opened.add(`${from.host} ${to.host}:${to.port}`);
      const invited = opened.has(`${to.host} ${from.host}:${from.port}`);
      return !inside.has(to.host) || from.host.startsWith('10.8.') || invited;
    });
    for (const n of [1, 2]) {
      const advertise = { host: `10.8.0.${n}`, port: PORT };
      const { openDatagram } = overlay.world.boot(advertise.host);
      const target = { host: `10.7.0.${n}`, port: PORT };
      await createForwarder(openDatagram, { public: advertise, target, innerHost: advertise.host });
      await overlay.boot(`hidden${n}`, { host: target.host, advertise });
      expect(await overlay.until(() => overlay.machines.every(({ node }) => node.ready), 60_000)).toBe(true);
    }
    const [one, two] = overlay.machines.slice(-2);
    const keys = await overlay.publishMany(80);
    expect(await overlay.census(keys)).toEqual({ entries: 80 * count });
    // Two that others depend on them after: each once the copies of the one before are restored.
    for (const victim of [overlay.at(0), overlay.at(1)]) {
      overlay.crash(victim);
      await overlay.world.runFor(20_000);
    }
    expect(overlay.machines.every(({ node }) => node.ready)).toBe(true);
    expect(await overlay.census(keys)).toEqual({ entries: 80 * (count - 2) });
    expect((one?.store.counts.keys ?? 0) + (two?.store.counts.keys ?? 0)).toBeGreaterThan(0);
    // One dies behind its port: it is missed as anybody else.
    if (one !== undefined) overlay.crash(one);
    await overlay.world.runFor(20_000);
    expect(await overlay.census(keys)).toEqual({ entries: 80 * (count - 3) });
    expect(overlay.faults).toEqual([]);
  },
  120_000,
);
