// chordial bans: which sources a running server doesn't hear, and an end to that.
import type { CommandModule } from 'yargs';
import type { AdminBan } from '../admin/types.ts';
import { askAdminJson, withAdmin } from './admin.ts';
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
      // Our own JSON (docs/operations.md).
      const { lifted } = (await askAdminJson(argv, { method: 'DELETE', path })) as { lifted: number };
      if (argv['json'] === true) printJson({ lifted });
      else printLine(lifted === 1 ? '1 ban lifted' : `${lifted} bans lifted`);
      return;
    }
    // Our own JSON.
    const { bans } = (await askAdminJson(argv, { path: '/api/v1/bans' })) as { bans: readonly AdminBan[] };
    if (argv['json'] === true) printJson({ bans });
    else
      printTable(
        ['source', 'since', 'ends in'],
        bans.map(({ source, since, leftSec }) => [source, since, `${leftSec} s`]),
      );
  },
};
