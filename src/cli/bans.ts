// chordial bans: which sources a running server doesn't hear, and an end to that.
import type { CommandModule } from 'yargs';
import type { AdminBan } from '../admin/types.ts';
import { askAdmin, withAdmin } from './admin.ts';
import { printJson, printLine, printTable } from './output.ts';

export const bansCommand: CommandModule = {
  command: 'bans',
  describe: 'sources that are banned for wrong passwords; --lift ends a ban',
  builder: (yargs) =>
    withAdmin(
      yargs
        .option('lift', { type: 'string', requiresArg: true, describe: 'ADDRESS to be heard again, or all' })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
    ),
  handler: async (argv) => {
    if (typeof argv['lift'] === 'string') {
      const path = `/api/v1/bans?source=${encodeURIComponent(argv['lift'])}`;
      const { lifted } = (await (await askAdmin(argv, { method: 'DELETE', path })).json()) as {
        lifted: number; // our own JSON (docs/operations.md)
      };
      if (argv['json'] === true) printJson({ lifted });
      else printLine(lifted === 1 ? '1 ban lifted' : `${lifted} bans lifted`);
      return;
    }
    const { bans } = (await (await askAdmin(argv, { path: '/api/v1/bans' })).json()) as {
      bans: readonly AdminBan[]; // our own JSON
    };
    if (argv['json'] === true) printJson({ bans });
    else
      printTable(
        ['source', 'since', 'ends in'],
        bans.map(({ source, since, leftSec }) => [source, since, `${leftSec} s`]),
      );
  },
};
