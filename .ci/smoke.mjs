// The installed command runs: it starts, says it is ready, answers HTTP and SIP, and stops with 0 when asked.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const chordial = process.env.CHORDIAL;
const args = [
  '--sip.listen',
  'udp:127.0.0.1:0,tcp:127.0.0.1:0',
  '--overlay.listen',
  '127.0.0.1:0',
  '--admin.listen',
  '127.0.0.1:0',
];
const version = spawnSync(chordial, ['--version'], { encoding: 'utf8' });
if (version.status !== 0) throw new Error(`--version: ${version.stderr}`);
const refused = spawnSync(chordial, ['check-config', '--overlay.replicas', '0'], { encoding: 'utf8' });
if (refused.status !== 2) throw new Error(`a bad configuration exits 2, not ${refused.status}`);

const server = spawn(chordial, ['serve', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
const exited = new Promise((resolve) => server.on('exit', resolve));
const ready = new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).on('line', (line) => {
    const entry = JSON.parse(line);
    if (entry.msg === 'ready') resolve(entry);
  });
  void exited.then((code) => reject(new Error(`stopped with ${code} before it was ready`)));
  setTimeout(() => reject(new Error('not ready within 20 s')), 20_000).unref();
});
try {
  const { sip, admin } = await ready;
  const live = await fetch(`http://${admin}/health/live`);
  if (!live.ok) throw new Error(`/health/live: ${live.status}`);
  const udp = sip.find((address) => address.startsWith('udp:')).slice(4);
  const ping = spawnSync(chordial, ['ping', udp], { encoding: 'utf8' });
  if (ping.status !== 0) throw new Error(`ping: ${ping.stderr}`);
} finally {
  server.kill('SIGTERM');
}
const code = await exited;
if (code !== 0) throw new Error(`stopped with ${code}`);
console.log('installed, started, answered, stopped');
