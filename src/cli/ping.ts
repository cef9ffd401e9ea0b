// chordial ping: a real SIP OPTIONS to a server, as phones and load balancers send it; the container's health check.
import type { CommandModule } from 'yargs';
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import { parseEndpoint } from './client.ts';
import { readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { optionsPing, PING_TIMEOUT_MS, type PingTransport } from './options-ping.ts';
import { printLine } from './output.ts';

/** In the order we like to ask our own server by. */
const TRANSPORTS: readonly PingTransport[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

interface Target {
  readonly transport: PingTransport;
  readonly at: Endpoint;
}

export const pingCommand: CommandModule = {
  command: 'ping [address]',
  describe: 'send a SIP OPTIONS to a server (its own first listener if no HOST:PORT is given)',
  builder: (yargs) =>
    withConfigOptions(yargs).positional('address', {
      type: 'string',
      describe: '[udp|tcp|tls|ws|wss:]HOST:PORT; over WebSocket the handshake is the answer',
    }),
  handler: async (argv) => {
    const { transport, at } =
      typeof argv['address'] === 'string' ? parseTarget(argv['address']) : ownListener(argv);
    const status = await optionsPing(transport, at);
    if (status === undefined)
      throw new CliError(
        EXIT.failed,
        `no answer from ${formatEndpoint(at)} within ${PING_TIMEOUT_MS / 1000} s`,
      );
    printLine(status);
    if (!/^(SIP\/2\.0 2|HTTP\/1\.1 101 )/.test(status))
      throw new CliError(EXIT.failed, 'the server is not healthy');
  },
};

function parseTarget(text: string): Target {
  const transport = TRANSPORTS.find((one) => text.startsWith(`${one}:`) && text.split(':').length > 2);
  return transport === undefined
    ? { transport: 'udp', at: parseEndpoint(text) }
    : { transport, at: parseEndpoint(text.slice(transport.length + 1)) };
}

function ownListener(argv: Readonly<Record<string, unknown>>): Target {
  const { listen } = readConfig(argv).sip;
  for (const transport of TRANSPORTS) {
    const listener = listen.find((one) => one.transport === transport);
    if (listener === undefined) continue;
    const { host, port } = listener;
    return { transport, at: { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port } };
  }
  throw new CliError(EXIT.usage, 'no listener is configured; give HOST:PORT');
}
