// Opens the Location Service for a command: through --via, or the node of the configuration, or its seeds.
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import type { Config } from '../config.ts';
import type { LspClient } from '../lsp-client.ts';
import type { LspClientOptions } from '../lsp-client-types.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { CodedError, messageOf } from '../runtime/errors.ts';
import { isWildcard } from '../uri/hosts.ts';
import { readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';

/** The options of every command that asks the ring. */
export const withVia = <T>(yargs: Argv<T>): Argv<T & { config: string | undefined }> =>
  withConfigOptions(
    yargs
      .option('via', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST:PORT of a member (default: the own node, then its seeds)',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  );

type Flags = Readonly<Record<string, unknown>>;

export function parseEndpoint(text: string): Endpoint {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || port === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new CliError(EXIT.usage, `"${text}" is not HOST:PORT (IPv6 in brackets)`);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

const ownNode = ({ overlay }: Config): readonly Endpoint[] => {
  const { host, port } = overlay.listen;
  if (port === 0 || overlay.role === 'client') return [];
  return [{ host: isWildcard(host) ? (host === '::' ? '::1' : '127.0.0.1') : host, port }];
};

const fileText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(EXIT.usage, `cannot read ${path}: ${messageOf(error)}`);
  }
};

/** Runs `use` with a client that is closed afterwards, whatever happens. */
export async function withClient(
  flags: Flags,
  key: LspClientOptions['key'],
  use: (client: LspClient, config: Config) => Promise<void>,
): Promise<void> {
  const config = readConfig(flags);
  const via =
    typeof flags['via'] === 'string'
      ? [parseEndpoint(flags['via'])]
      : [...ownNode(config), ...config.overlay.seeds];
  if (via.length === 0) throw new CliError(EXIT.usage, 'no member to ask: give --via HOST:PORT');
  // Loaded here, for the commands that ask the ring alone.
  const { LspClient } = await import('../lsp-client.ts');
  try {
    const client = new LspClient({
      via,
      overlay: config.overlay.id,
      replicas: config.overlay.replicas,
      dns: config.trust.dns,
      ...(config.trust.file === '' ? {} : { trust: fileText(config.trust.file) }),
      ...(key === undefined ? {} : { key }),
    });
    await client.start();
    try {
      await use(client, config);
    } finally {
      await client.stop();
    }
  } catch (error) {
    if (error instanceof CodedError) throw new CliError(EXIT.usage, messageOf(error));
    throw error;
  }
}

/** The signing key that the flags or the configuration name. */
export function readKey(flags: Flags, domain: string): NonNullable<LspClientOptions['key']> {
  const config = readConfig(flags);
  const given = typeof flags['key'] === 'string' ? flags['key'] : config.identity.keyFile;
  if (given === '')
    throw new CliError(EXIT.usage, 'a publication is signed: give --key FILE (chordial keygen makes one)');
  const selector = typeof flags['selector'] === 'number' ? flags['selector'] : config.identity.selector;
  return { pem: fileText(given), domain, selector };
}
