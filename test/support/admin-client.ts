// What a registrar says of itself over its admin address.
import type { AdminRing, AdminStatus } from '../../src/admin/types.ts';
import { type Endpoint, formatEndpoint } from '../../src/runtime/datagram.ts';

/** The status of an answer, -1 when nobody answers. */
const get = async (admin: Endpoint, path: string): Promise<{ status: number; text: string }> => {
  try {
    const response = await fetch(`http://${formatEndpoint(admin)}${path}`);
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: -1, text: '{}' };
  }
};

export const isReady = async (admin: Endpoint): Promise<boolean> =>
  (await get(admin, '/health/ready')).status === 200;

/** Our own JSON, as docs/operations.md describes it. */
export const statusOf = async (admin: Endpoint): Promise<AdminStatus> =>
  JSON.parse((await get(admin, '/api/v1/status')).text) as AdminStatus;

export const ringOf = async (admin: Endpoint): Promise<AdminRing> =>
  JSON.parse((await get(admin, '/api/v1/ring')).text) as AdminRing;

/** The value of a metric without labels; undefined if it is not there. */
export const gaugeOf = async (admin: Endpoint, name: string): Promise<number | undefined> => {
  const line = (await get(admin, '/metrics')).text.split('\n').find((row) => row.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};
