// npx tsx test/bench/connections.ts [N]: what an open connection costs a registrar in memory, and its handshake in CPU, by transport.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { createAuthority } from '../support/certificates.ts';
import { startProcess } from '../support/server-process.ts';
import { type PhoneTransport, StreamPhone } from '../support/stream-phone.ts';

const [COUNT = 1000] = process.argv.slice(2).map(Number);
/** Buffers and code that the first connections bring into being are none of the later ones' cost. */
const WARM_UP = 200;
const TRANSPORTS: readonly PhoneTransport[] = ['tcp', 'ws', 'tls', 'wss'];
const PAGE_BYTES = 4096;
const TICK_MS = 10;

const authority = createAuthority();
const folder = mkdtempSync(join(tmpdir(), 'chordial-bench-'));
const { certPem, keyPem } = authority.issue({ commonName: 'localhost', names: ['DNS:localhost'] });
writeFileSync(join(folder, 'cert.pem'), certPem);
writeFileSync(join(folder, 'key.pem'), keyPem);
const trust = { ca: authority.certPem, serverName: 'localhost' };

/** One OPTIONS, so that the handshake is done and every buffer has been used. */
const asked = async (transport: PhoneTransport, to: Endpoint): Promise<StreamPhone> => {
  const phone = await StreamPhone.open(transport, to, trust);
  await phone.ask({
    method: 'OPTIONS',
    uri: 'sip:localhost',
    from: 'sip:bench@localhost',
    to: 'sip:localhost',
  });
  return phone;
};

process.stdout.write(`${COUNT} connections\tkB each (resident)\tms of CPU each\n`);
for (const transport of TRANSPORTS) {
  // A server of its own, so that none uses what another gave back.
  const server = await startProcess({
    publication: 'local',
    'sip.listen': `${transport}:127.0.0.1:0`,
    'sip.tls.certFile': join(folder, 'cert.pem'),
    'sip.tls.keyFile': join(folder, 'key.pem'),
  });
  const place = server.placeOf(transport);
  const usage = (): { readonly bytes: number; readonly cpuMs: number } => {
    const proc = `/proc/${server.child.pid}`;
    const fields = readFileSync(`${proc}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return {
      bytes: Number(readFileSync(`${proc}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES,
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    };
  };
  const phones: StreamPhone[] = [];
  const open = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 1) phones.push(await asked(transport, place));
  };
  await open(WARM_UP);
  const before = usage();
  await open(COUNT);
  const after = usage();
  const each = [(after.bytes - before.bytes) / COUNT / 1024, (after.cpuMs - before.cpuMs) / COUNT];
  process.stdout.write(`${transport}\t${each.map((value) => value.toFixed(1)).join('\t')}\n`);
  for (const phone of phones) phone.close();
  await server.end('SIGTERM');
}
rmSync(folder, { recursive: true });
