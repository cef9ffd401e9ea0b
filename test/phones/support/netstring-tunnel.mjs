// Run inside a namespace: lines of stdin go to a TCP server as netstrings, its netstrings come out as lines (baresip's ctrl_tcp).
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [host, port] = process.argv.slice(2);
const socket = connect(Number(port), host, () => process.stdout.write('connected\n'));
createInterface({ input: process.stdin }).on('line', (line) => {
  socket.write(`${Buffer.byteLength(line)}:${line},`);
});
let held = Buffer.alloc(0);
socket.on('data', (chunk) => {
  held = Buffer.concat([held, chunk]);
  for (;;) {
    const colon = held.indexOf(':');
    const end = colon + 1 + Number(held.subarray(0, colon));
    if (colon === -1 || held.length <= end) return;
    process.stdout.write(`${held.subarray(colon + 1, end)}\n`);
    held = held.subarray(end + 1);
  }
});
socket.on('close', () => process.exit());
