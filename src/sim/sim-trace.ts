// A hash of everything that was sent: time, addresses and bytes of each datagram. Same seed, same program: same hash.
import { createHash } from 'node:crypto';
import type { Packet } from './sim-network.ts';

const BUFFER_BYTES = 1 << 16;
/** Time, two addresses with ports and a length; no datagram of the simulated network is longer than 64 KiB less this. */
const HEADER_BYTES_MAX = 128;

export class SimTrace {
  readonly #hash = createHash('sha256');
  // Filled before it is hashed: a call of the hash costs more than its few hundred bytes.
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #used = 0;

  add(nowMs: number, { from, to, bytes }: Packet): void {
    if (this.#used + HEADER_BYTES_MAX + bytes.length > BUFFER_BYTES) this.#flush();
    const buffer = this.#buffer;
    let at = buffer.writeDoubleLE(nowMs, this.#used);
    at += buffer.write(from.host, at, 'latin1');
    at = buffer.writeUInt16LE(from.port, at);
    at += buffer.write(to.host, at, 'latin1');
    at = buffer.writeUInt16LE(to.port, at);
    at = buffer.writeUInt32LE(bytes.length, at);
    buffer.set(bytes.subarray(0, BUFFER_BYTES - HEADER_BYTES_MAX), at);
    this.#used = Math.min(BUFFER_BYTES, at + bytes.length);
  }

  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
