// The machine's resolver as a port, against name servers that are silent or away.
import { expect, test } from 'vitest';
import { createDns } from '../../../src/runtime/dns.ts';
import { udpPeer } from '../../support/sip-peers.ts';

test('no more than 512 questions are under way: the next one hears at once that nobody can say', async () => {
  const silent = await udpPeer();
  const dns = createDns({ timeoutMs: 50, servers: [`127.0.0.1:${silent.local.port}`] });
  let answered = 0;
  const under = Array.from({ length: 512 }, async (_, n) => {
    await dns.srv(`_sip._udp.n${n}.example`);
    answered += 1;
  });

  expect(await dns.naptr('one-more.example')).toEqual({ kind: 'unavailable' });
  expect(answered).toBe(0);

  await Promise.all(under);
  // Once they are over there is room again: the server is asked.
  const heard = silent.unread;
  await dns.naptr('one-more.example');
  expect(silent.unread).toBeGreaterThan(heard);
  await silent.close();
});

test('localhost is loopback, and no server is asked for it', async () => {
  const dns = createDns({ timeoutMs: 50, servers: ['127.0.0.1:1'] });
  expect(await dns.addresses('localhost', 4)).toEqual({ kind: 'found', records: ['127.0.0.1'] });
  expect(await dns.addresses('localhost', 6)).toEqual({ kind: 'found', records: ['::1'] });
});
