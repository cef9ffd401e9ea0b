// The entry of the process: arguments in, exit status out.
import { hideBin } from 'yargs/helpers';
import { runCli } from './cli/run.ts';

process.exitCode = await runCli(hideBin(process.argv));
