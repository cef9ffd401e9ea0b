// Why the server could not start, in words for whoever has to mend it.
import { formatEndpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';

const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there already; is chordial running twice?',
  EACCES: 'this user may not; ports below 1024 need a permission',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  EAFNOSUPPORT: 'this machine has no addresses of that family',
};

const textOf = (error: object, key: string): string => {
  const value: unknown = Reflect.get(error, key);
  return typeof value === 'string' ? value : '';
};

/** Node's errors of sockets tell what was tried where: `{ code, syscall, address, port }`. */
export function startProblem(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return messageOf(error);
  const code = textOf(cause, 'code');
  const words = WORDS[code];
  const port: unknown = Reflect.get(cause, 'port');
  if (words === undefined || typeof port !== 'number') return messageOf(error);
  const net = textOf(cause, 'syscall') === 'bind' ? 'udp' : 'tcp';
  return `can't listen on ${net} ${formatEndpoint({ host: textOf(cause, 'address'), port })}: ${words} (${code})`;
}
