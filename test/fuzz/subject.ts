// The registrar under fuzz, as a process of its own: whoever forks it hears of its faults at once and of its memory when asked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DIGEST_ALGORITHMS } from '../../src/auth/digest.ts';
import { addUser } from '../../src/auth/user-edit.ts';
import { parseUserFile } from '../../src/auth/user-file.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { createAuthority } from '../support/certificates.ts';
import { heapAfterCollection } from '../support/heap.ts';
import { makeDomain, startServer, trustOf } from '../support/servers.ts';
import { FENCED, type FromSubject, type ToSubject } from './talk.ts';

const say = (message: FromSubject): void => void process.send?.(message);

const log: Log = {
  ...silentLog,
  error: (fields, message) => say({ kind: 'error', line: JSON.stringify({ ...fields, msg: message }) }),
  child: () => log,
};

/** An hour of the wall clock in a minute: what is registered is forgotten as fast as it comes, and memory comes to rest. */
const WALL_SPEED = 60;
const startedMs = systemClock.wallMs();
const none = async () => ({ kind: 'none' as const });

const domain = makeDomain('example.com');
const [mode, ...transports] = process.argv.slice(2);
const users = parseUserFile(
  ['alice', 'bob', 'carol'].reduce((text, user) => {
    const added = addUser(text, {
      user,
      realm: domain.domain,
      password: user,
      algorithms: DIGEST_ALGORITHMS,
    });
    if (!added.ok) throw new Error(added.error);
    return added.value.text;
  }, ''),
);
if (!users.ok) throw new Error('the users of the fuzzed server');
const certificate = createAuthority().issue({ commonName: 'example.com', names: ['DNS:example.com'] });
const folder = mkdtempSync(join(tmpdir(), 'chordial-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
writeFileSync(tls.certFile, certificate.certPem);
writeFileSync(tls.keyFile, certificate.keyPem);
const server = await startServer({
  domain,
  trust: trustOf([domain]),
  users: mode === 'digest' ? users.value : undefined,
  config: {
    publication: 'local',
    aliases: [
      'example.net',
      'example.org',
      'company.com',
      'biloxi.example.com',
      'atlanta.example.com',
      'chair-dnrc.example.com',
      'registrar.example.com',
      'host.example.net',
      'sip.test',
    ],
    sip: {
      listen: transports.map((transport) => `${transport}:127.0.0.1:0`),
      tls,
      auth: mode === 'digest' ? { mode, usersFile: 'given', algorithms: DIGEST_ALGORITHMS } : { mode },
    },
  },
  world: {
    log,
    clock: {
      ...systemClock,
      wallMs: () => startedMs + WALL_SPEED * (systemClock.wallMs() - startedMs),
    },
    // What is forwarded has nowhere to go: this run is between two processes.
    dns: { naptr: none, srv: none, addresses: none },
    connectStream: () => Promise.reject(new Error('no connections from a server under fuzz')),
  },
});
// Answers go where a Via says; only those to the senders leave.
server.wire.onSip = (_bytes, to) => to.host.startsWith(FENCED);
await server.app.ready;

process.on('message', (message: ToSubject) => {
  if (message === 'measure')
    say({ kind: 'memory', heapBytes: heapAfterCollection(), rssBytes: process.memoryUsage().rss });
  else void server.app.stop().then(() => process.exit(0));
});
process.once('disconnect', () => process.exit(1));
say({ kind: 'ready', sip: server.app.addresses.sip, admin: server.admin });
