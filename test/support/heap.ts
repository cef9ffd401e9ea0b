// The heap after a full collection, for tests that watch it stay flat.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Bytes in use once all that is garbage is gone. */
export function heapAfterCollection(): number {
  if (typeof collect !== 'function') throw new Error('this Node does not give its collector out');
  for (let round = 0; round < 3; round += 1) collect();
  return process.memoryUsage().heapUsed;
}
