import { describe, expect, test } from 'vitest';
import { mayReach, scopeOf } from '../../../src/proxy/next-hop-scope.ts';
import { ForwardWorld } from '../../support/forward-world.ts';
import { srv, zoneDns } from '../../support/zone-dns.ts';

describe('an address is', () => {
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.1.2', 'loopback'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['169.254.169.254', 'link'],
    ['::ffff:169.254.169.254', 'link'],
    ['fe80::1', 'link'],
    ['febf::1', 'link'],
    ['0.0.0.0', 'none'],
    ['0.1.2.3', 'none'],
    ['::', 'none'],
    ['::ffff:0.0.0.0', 'none'],
    ['224.0.1.75', 'none'],
    ['240.0.0.1', 'none'],
    ['255.255.255.255', 'none'],
    ['ff02::1', 'none'],
    ['10.0.0.1', 'any'],
    ['192.168.1.1', 'any'],
    ['100.64.0.1', 'any'],
    ['fd00::1', 'any'],
    ['fec0::1', 'any'],
    ['2001:db8::1', 'any'],
    ['::ffff:192.0.2.1', 'any'],
  ] as const)('%s: %s', (host, scope) => {
    expect(scopeOf(host)).toBe(scope);
  });
});

describe('whoever asks', () => {
  test.each([
    ['from afar', '192.0.2.50', [true, false, false, false]],
    ['from a neighbouring machine', '169.254.3.4', [true, true, false, false]],
    ['from this machine', '127.0.0.1', [true, true, true, false]],
  ] as const)('%s reaches what he could reach himself', (_, source, reached) => {
    const hops = ['10.0.0.1', '169.254.169.254', '127.0.0.1', '255.255.255.255'];
    expect(hops.map((hop) => mayReach(source, hop))).toEqual(reached);
  });
});

describe('a zone that names this machine', () => {
  const zone = (target: string) =>
    zoneDns({
      srv: { '_sip._udp.evil.example': [srv('0 0 9184 h.evil.example'), srv('1 0 5062 h2.evil.example')] },
      a: { 'h.evil.example': [target], 'h2.evil.example': ['169.254.169.254'] },
    });

  test.each(['127.0.0.1', '0.0.0.0', '255.255.255.255'])(
    'at %s gets nothing, and the caller a 403 in words',
    async (target) => {
      const world = new ForwardWorld({ dns: zone(target) });
      const { transaction } = await world.forward({ uri: 'sip:bob@evil.example' });
      expect(transaction.replies).toEqual([{ status: 403, reason: 'Next Hop Not Allowed' }]);
      expect(world.asked).toEqual([]);
    },
  );

  test('gets nothing by a Route, an address in the URI or its maddr either', async () => {
    const world = new ForwardWorld();
    for (const uri of ['sip:bob@127.0.0.1:9184', 'sip:bob@[::1]:9184', 'sip:bob@example.com;maddr=127.0.0.1'])
      expect((await world.forward({ uri, callId: uri })).transaction.status).not.toBe('released');
    const byRoute = await world.forward({ uri: 'sip:bob@example.com', callId: 'r' }, [
      '<sip:127.0.0.1:9184;lr>',
    ]);
    expect(byRoute.transaction.status).toBe(403);
    expect(world.asked).toEqual([]);
  });

  test('beside a server of its own is reached there', async () => {
    const dns = zoneDns({
      srv: { '_sip._udp.odd.example': [srv('0 0 5062 h.odd.example'), srv('1 0 5062 h2.odd.example')] },
      a: { 'h.odd.example': ['127.0.0.1'], 'h2.odd.example': ['192.0.2.7'] },
    });
    const world = new ForwardWorld({ dns });
    await world.forward({ uri: 'sip:bob@odd.example' });
    expect(world.callee.sent).toHaveLength(1);
  });
});
