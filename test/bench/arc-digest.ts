// npx tsx test/bench/arc-digest.ts: what the digests of a whole arc cost a store, from its index and from every key anew.
import { bucketDigests } from '../../src/dht/range.ts';
import { fingerprintOf } from '../../src/record/fingerprint.ts';
import { type Arc, hashToId } from '../../src/record/id.ts';
import { KeyIndex } from '../../src/record/key-index.ts';

const ROUNDS = 20;
const DIGEST = new Uint8Array(8);

const timed = (work: () => unknown): string => {
  work();
  const startedMs = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) work();
  return ((performance.now() - startedMs) / ROUNDS).toFixed(2);
};

process.stdout.write('keys\tone digest (ms)\t64 digests (ms)\t64, each key hashed anew (ms)\n');
for (const count of [1000, 10_000, 100_000]) {
  const keys = Array.from({ length: count }, (_, index) => hashToId(Buffer.from(`key ${index}`)));
  const known = new Map(keys.map((key) => [key, fingerprintOf(key, DIGEST)]));
  const index = new KeyIndex((key) => known.get(key) ?? { high: 0, low: 0 });
  for (const key of keys) index.add(key);
  const keysIn = (arc: Arc) => index.within(arc);
  const indexed = { arcDigest: (arc: Arc) => index.fingerprint(arc), digest: () => DIGEST, keysIn };
  const plain = { digest: () => DIGEST, keysIn };
  const [from = hashToId(DIGEST)] = keys;
  const whole = { from, to: from };
  const cells = [
    timed(() => bucketDigests(indexed, whole, 1)),
    timed(() => bucketDigests(indexed, whole)),
    timed(() => bucketDigests(plain, whole)),
  ];
  process.stdout.write(`${count}\t${cells.join('\t')}\n`);
}
