// chordial check-config: the effective configuration, or everything that is wrong with it.

import { stringify } from 'yaml';
import type { CommandModule } from 'yargs';
import { describeConfig } from '../config-print.ts';
import { readConfigAndFiles, withConfigOptions } from './config-options.ts';
import { printJson, printText } from './output.ts';

export const checkConfigCommand: CommandModule = {
  command: 'check-config',
  describe: 'print the effective configuration, or all its problems at once',
  builder: (yargs) =>
    withConfigOptions(yargs).option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: (argv) => {
    const { config } = readConfigAndFiles(argv, { keep: false });
    const shown = describeConfig(config);
    if (argv['json'] === true) printJson(shown);
    else printText(stringify(shown).trimEnd());
  },
};
