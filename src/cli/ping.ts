// chordial ping: a real SIP OPTIONS to a server, as phones and load balancers send it; the container's health check.
import type { CommandModule } from 'yargs';
import { systemClock } from '../runtime/clock.ts';
import { formatEndpoint, openDatagram } from '../runtime/datagram.ts';
import { systemRandom } from '../runtime/random.ts';
import { parseEndpoint } from './client.ts';
import { readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printLine } from './output.ts';

const TIMEOUT_MS = 2_000;
const RETRANSMIT_MS = 500;

/** Sends OPTIONS over UDP until something answers; resolves to the status line. */
async function optionsPing(host: string, port: number): Promise<string | undefined> {
  const unique = Buffer.from(systemRandom.bytes(12)).toString('hex');
  let answered: (line: string | undefined) => void = () => undefined;
  const answer = new Promise<string | undefined>((resolve) => {
    answered = resolve;
  });
  const socket = await openDatagram(
    { host: host.includes(':') ? '::' : '0.0.0.0', port: 0 },
    {
      onMessage: (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        if (text.includes(unique)) answered(text.slice(0, text.indexOf('\r\n')));
      },
      onError: () => undefined, // port unreachable: the timeout tells
    },
  );
  const target = formatEndpoint({ host, port });
  const via = formatEndpoint({ host: host.includes(':') ? '::1' : '127.0.0.1', port: socket.local.port });
  const message = [
    `OPTIONS sip:${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${via};branch=z9hG4bK${unique};rport`,
    'Max-Forwards: 1',
    `From: <sip:ping@${target}>;tag=${unique}`,
    `To: <sip:${target}>`,
    `Call-ID: ${unique}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
  const end = systemClock.setTimer(TIMEOUT_MS, () => answered(undefined));
  // The timers do not keep the process alive; the open socket does.
  for (let sentMs = 0; sentMs < TIMEOUT_MS; sentMs += RETRANSMIT_MS)
    systemClock.setTimer(sentMs, () => socket.send(Buffer.from(message, 'latin1'), { host, port }));
  try {
    return await answer;
  } finally {
    end.cancel();
    await socket.close();
  }
}

export const pingCommand: CommandModule = {
  command: 'ping [address]',
  describe: 'send a SIP OPTIONS to a server (its own first UDP listener if no HOST:PORT is given)',
  builder: (yargs) =>
    withConfigOptions(yargs).positional('address', { type: 'string', describe: 'HOST:PORT' }),
  handler: async (argv) => {
    const { host, port } =
      typeof argv['address'] === 'string' ? parseEndpoint(argv['address']) : ownListener(argv);
    const status = await optionsPing(host, port);
    if (status === undefined)
      throw new CliError(
        EXIT.failed,
        `no answer from ${formatEndpoint({ host, port })} within ${TIMEOUT_MS / 1000} s`,
      );
    printLine(status);
    if (!/^SIP\/2\.0 2/.test(status)) throw new CliError(EXIT.failed, 'the server is not healthy');
  },
};

function ownListener(argv: Readonly<Record<string, unknown>>): { host: string; port: number } {
  const listener = readConfig(argv).sip.listen.find((one) => one.transport === 'udp');
  if (listener === undefined) throw new CliError(EXIT.usage, 'no UDP listener is configured; give HOST:PORT');
  const host = listener.host === '0.0.0.0' ? '127.0.0.1' : listener.host === '::' ? '::1' : listener.host;
  return { host, port: listener.port };
}
