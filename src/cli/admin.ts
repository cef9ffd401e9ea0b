// Asks the admin server of a running chordial: where it listens and its token come from the configuration.
import { readFileSync } from 'node:fs';
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
const reasonIn = async (response: Response): Promise<string> => {
  const text = await response.text();
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? `status ${response.status}`;
};

export interface AdminAsk {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly signal?: AbortSignal;
}

/** A good answer; anything else is a CliError. */
export async function askAdmin(flags: Flags, { method = 'GET', path, signal }: AdminAsk): Promise<Response> {
  const { admin } = readConfig(flags);
  const given = typeof flags['admin'] === 'string' ? parseEndpoint(flags['admin']) : admin.listen;
  const host = isWildcard(given.host) ? (given.host.includes(':') ? '::1' : '127.0.0.1') : given.host;
  const address = formatEndpoint({ host, port: given.port });
  let response: Response;
  try {
    response = await fetch(`http://${address}${path}`, {
      method,
      headers: admin.tokenFile === '' ? {} : { Authorization: `Bearer ${tokenIn(admin.tokenFile)}` },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof CliError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new CliError(EXIT.failed, `no answer from ${address}: ${messageOf(cause)}`);
  }
  if (response.ok) return response;
  const why = await reasonIn(response);
  throw new CliError(
    response.status === 404
      ? EXIT.notFound
      : response.status === 400
        ? EXIT.usage
        : response.status === 503
          ? EXIT.failed
          : EXIT.refused,
    why,
  );
}
