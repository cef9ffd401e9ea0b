// Asks the admin server of a running chordial: where it listens and its token come from the configuration.
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Argv } from 'yargs';
import { formatEndpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import { isWildcard } from '../uri/hosts.ts';
import { parseEndpoint } from './client.ts';
import { readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';

type Flags = Readonly<Record<string, unknown>>;

/** The options of every command that asks the admin server. */
export const withAdmin = <T>(yargs: Argv<T>): Argv<T & { config: string | undefined }> =>
  withConfigOptions(
    yargs.option('admin', {
      type: 'string',
      requiresArg: true,
      describe: 'HOST:PORT of the admin server (default: admin.listen)',
    }),
  );

const tokenIn = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new CliError(EXIT.usage, `cannot read admin.tokenFile: ${messageOf(error)}`);
  }
};

/** The words of a refusal, in our own JSON. */
const reasonIn = async (response: IncomingMessage): Promise<string> =>
  /"message":"((?:[^"\\]|\\.)*)"/.exec(await text(response))?.[1] ?? `status ${response.statusCode}`;

export interface AdminAsk {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly signal?: AbortSignal;
}

/** An answer begins within this time, or nobody is there. */
const BEGINS_MS = 10_000;

/** node:http and not fetch: that one gives an answer up which says nothing for five minutes, and a trace may. */
const ask = (
  host: string,
  port: number,
  { method = 'GET', path, signal }: AdminAsk,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const options = { host, port, method, path, headers, agent: false, timeout: BEGINS_MS };
    const asked = request(signal === undefined ? options : { ...options, signal }, (response) => {
      asked.setTimeout(0);
      resolve(response);
    });
    asked.on('timeout', () => asked.destroy(new Error(`nothing within ${BEGINS_MS / 1000} s`)));
    asked.on('error', reject);
    asked.end();
  });

const EXIT_OF: Readonly<Record<number, number>> = { 400: EXIT.usage, 404: EXIT.notFound, 503: EXIT.failed };

/** A good answer; anything else is a CliError. */
export async function askAdmin(flags: Flags, wanted: AdminAsk): Promise<IncomingMessage> {
  const { admin } = readConfig(flags);
  const given = typeof flags['admin'] === 'string' ? parseEndpoint(flags['admin']) : admin.listen;
  const host = isWildcard(given.host) ? (given.host.includes(':') ? '::1' : '127.0.0.1') : given.host;
  const token = admin.tokenFile === '' ? undefined : tokenIn(admin.tokenFile);
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  let response: IncomingMessage;
  try {
    response = await ask(host, given.port, wanted, headers);
  } catch (error) {
    const address = formatEndpoint({ host, port: given.port });
    throw new CliError(EXIT.failed, `no answer from ${address}: ${messageOf(error)}`);
  }
  const { statusCode = 0 } = response;
  if (statusCode === 200) return response;
  throw new CliError(EXIT_OF[statusCode] ?? EXIT.refused, await reasonIn(response));
}

/** The same, for an answer that is JSON of ours. */
export const askAdminJson = async (flags: Flags, wanted: AdminAsk): Promise<unknown> =>
  JSON.parse(await text(await askAdmin(flags, wanted)));
