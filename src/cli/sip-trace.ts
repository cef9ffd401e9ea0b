// chordial sip-trace: what a running server and somebody's phone say to each other, as a capture file.
import { open } from 'node:fs/promises';
import type { CommandModule } from 'yargs';
import { messageOf } from '../runtime/errors.ts';
import { askAdmin, withAdmin } from './admin.ts';
import { CliError, EXIT } from './exit-code.ts';

export const sipTraceCommand: CommandModule = {
  command: 'sip-trace',
  describe: 'the SIP messages of one user or address as pcap, passwords cut, until Ctrl-C or --seconds',
  builder: (yargs) =>
    withAdmin(
      yargs
        .option('aor', {
          type: 'string',
          requiresArg: true,
          describe: 'sip:bob@biloxi.com: in From, To or Request-URI',
        })
        .option('source', {
          type: 'string',
          requiresArg: true,
          describe: 'an address, or a range: 192.0.2.0/24',
        })
        .option('seconds', {
          type: 'string',
          requiresArg: true,
          describe: 'how long, 1 to 86400 (default: 600)',
        })
        .option('out', {
          type: 'string',
          requiresArg: true,
          demandOption: true,
          describe: 'write the capture here, or - for stdout: … --out - | tshark -r -',
        }),
    ),
  handler: async (argv) => {
    const query = new URLSearchParams();
    for (const name of ['aor', 'source', 'seconds'])
      if (typeof argv[name] === 'string') query.set(name, argv[name]);
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    // Whoever read our stdout has gone.
    process.stdout.once('error', stop);
    const path = `/api/v1/sip-trace?${query}`;
    try {
      const capture = await askAdmin(argv, { method: 'POST', path, signal: abort.signal });
      await save(capture, String(argv['out']), abort.signal);
    } finally {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      process.stdout.off('error', stop);
    }
  },
};

async function save(capture: AsyncIterable<Uint8Array>, out: string, signal: AbortSignal): Promise<void> {
  // It holds what people say to each other: for nobody else to read.
  const file =
    out === '-'
      ? undefined
      : await open(out, 'w', 0o600).catch((error: unknown) => {
          throw new CliError(EXIT.failed, `cannot write ${out}: ${messageOf(error)}`);
        });
  process.stderr.write('tracing; Ctrl-C ends it\n');
  let written = 0;
  try {
    for await (const bytes of capture) {
      if (file === undefined) process.stdout.write(bytes);
      else await file.write(bytes);
      written += bytes.length;
    }
  } catch (error) {
    // Ctrl-C: what came is whole records.
    if (!signal.aborted) throw new CliError(EXIT.failed, `the trace broke off: ${messageOf(error)}`);
  } finally {
    await file?.close();
    process.stderr.write(`${written} bytes${file === undefined ? '' : ` in ${out}`}\n`);
  }
}
