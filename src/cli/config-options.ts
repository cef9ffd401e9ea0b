// The options that every command with a configuration has: -c FILE and one flag per key.
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import type { Config } from '../config.ts';
import { type LoadedFiles, loadFiles } from '../config-files.ts';
import { CONFIG_KEYS } from '../config-keys.ts';
import { CONFIG_FILE_VARIABLE, type ConfigSources, loadConfig, readSources } from '../config-sources.ts';
import { messageOf } from '../runtime/errors.ts';
import { CliError, EXIT } from './exit-code.ts';

/** Adds the options; values stay text, the schema decides. `shown`: those that --help is to list, with its words. */
export function withConfigOptions<T>(
  yargs: Argv<T>,
  shown: Readonly<Record<string, string>> = {},
): Argv<T & { config: string | undefined }> {
  const withFile = yargs.option('config', {
    alias: 'c',
    type: 'string',
    requiresArg: true,
    describe: 'configuration file (YAML)',
  });
  for (const { path } of CONFIG_KEYS) {
    const describe = shown[path.join('.')];
    withFile.option(path.join('.'), {
      type: 'string',
      requiresArg: true,
      describe: describe ?? '',
      hidden: describe === undefined,
    });
  }
  return withFile.epilogue(
    'Every key of the configuration is also a flag (--sip.advertise HOST) and an environment variable\n(CHORDIAL_SIP__ADVERTISE); config/default.yaml explains them all. Flags > environment > file > defaults.',
  );
}

/** The effective configuration, or a CliError that tells every problem at once. */
export function readConfig(argv: Flags): Config {
  const loaded = loadConfig(sourcesOf(argv));
  if (!loaded.ok) throw problemsFound(loaded.error);
  return loaded.value;
}

/** The same with the files that it names, whose problems are told with those of the keys. */
export function readConfigAndFiles(
  argv: Flags,
  { keep }: { readonly keep: boolean },
): { readonly config: Config; readonly files: LoadedFiles } {
  const { problems, config } = readSources(sourcesOf(argv));
  if (config === undefined) throw problemsFound(problems);
  const files = loadFiles(config, { keep: keep && problems.length === 0 });
  // A relation and a file may say the same of one key.
  const all = [...new Set([...problems, ...(files.ok ? [] : files.error)])];
  if (!files.ok || all.length > 0) throw problemsFound(all);
  return { config, files: files.value };
}

type Flags = Readonly<Record<string, unknown>>;

function sourcesOf(argv: Flags): ConfigSources {
  const given = typeof argv['config'] === 'string' ? argv['config'] : process.env[CONFIG_FILE_VARIABLE];
  const flags: Record<string, string> = {};
  for (const { path } of CONFIG_KEYS) {
    const value = argv[path.join('.')];
    if (value !== undefined) flags[path.join('.')] = Array.isArray(value) ? value.join(',') : String(value);
  }
  return {
    ...(given === undefined || given === '' ? {} : { file: { path: given, text: readText(given) } }),
    environment: process.env,
    flags,
  };
}

const problemsFound = (problems: readonly string[]): CliError =>
  new CliError(
    EXIT.usage,
    `${problems.length === 1 ? 'One problem' : `${problems.length} problems`} with the configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(EXIT.usage, `cannot read the configuration ${path}: ${messageOf(error)}`);
  }
}
