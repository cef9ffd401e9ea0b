// chordial check-config: the effective configuration, or everything that is wrong with it.

import { stringify } from 'yaml';
import type { CommandModule } from 'yargs';
import { loadFiles } from '../config-files.ts';
import { describeConfig } from '../config-print.ts';
import { problemText, readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printText } from './output.ts';

export const checkConfigCommand: CommandModule = {
  command: 'check-config',
  describe: 'print the effective configuration, or all its problems at once',
  builder: (yargs) =>
    withConfigOptions(yargs).option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: (argv) => {
    const config = readConfig(argv);
    const files = loadFiles(config, { keep: false });
    if (!files.ok) throw new CliError(EXIT.usage, problemText(files.error));
    const shown = describeConfig(config);
    if (argv['json'] === true) printJson(shown);
    else printText(stringify(shown).trimEnd());
  },
};
