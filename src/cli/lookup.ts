// chordial lookup: the bindings of a URI, asked for as a client that does not join.
import type { CommandModule } from 'yargs';
import { adminBinding } from '../admin/lookup.ts';
import type { Binding } from '../location/types.ts';
import { systemClock } from '../runtime/clock.ts';
import { withClient, withVia } from './client.ts';
import { CliError, EXIT } from './exit-code.ts';
import { notFound } from './not-found.ts';
import { printJson, printTable } from './output.ts';

export function printBindings(uri: string, bindings: readonly Binding[], json: boolean): void {
  const nowMs = systemClock.wallMs();
  const shown = bindings.map((binding) => adminBinding(binding, nowMs));
  if (json) printJson({ uri, bindings: shown });
  else
    printTable(
      ['contact', 'q', 'expires', 'user agent'],
      shown.map((one) => [
        one.contact,
        one.q === null ? '-' : String(one.q),
        `${one.expiresSec} s`,
        one.userAgent ?? '-',
      ]),
    );
}

export const lookupCommand: CommandModule = {
  command: 'lookup <uri>',
  describe: 'the bindings of a URI of any scheme',
  builder: (yargs) =>
    withVia(yargs.positional('uri', { type: 'string', describe: 'sip:bob@biloxi.example' })),
  handler: (argv) =>
    withClient(argv, undefined, async (client, config) => {
      const uri = String(argv['uri']);
      const found = await client.lookup(uri);
      if (found.kind === 'found') {
        printBindings(uri, found.bindings, argv['json'] === true);
        return;
      }
      if (argv['json'] === true) printJson({ uri, bindings: [] });
      if (found.kind === 'none') throw notFound(uri, found, config.trust);
      const why = found.kind === 'timeout' ? 'no answer in time' : found.reason;
      throw new CliError(EXIT.unreachable, `the overlay could not be asked: ${why}`);
    }),
};
