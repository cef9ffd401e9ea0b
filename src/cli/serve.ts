// chordial serve: run the registrar and its node until a signal says stop.
import type { CommandModule } from 'yargs';
import { createApp } from '../app.ts';
import { loadFiles } from '../config-files.ts';
import { CodedError, messageOf } from '../runtime/errors.ts';
import { createLog } from '../runtime/log.ts';
import { systemWorld } from '../runtime/world.ts';
import { problemText, readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { whatNext } from './what-next.ts';

const STOP_DEADLINE_MS = 10_000;

export const serveCommand: CommandModule = {
  command: ['serve', '$0'],
  describe: 'run the registrar and its node of the ring',
  builder: withConfigOptions,
  handler: async (argv) => {
    const config = readConfig(argv);
    const files = loadFiles(config, { keep: true });
    if (!files.ok) throw new CliError(EXIT.usage, problemText(files.error));
    const log = createLog(config.log.level);
    const app = createApp(config, files.value, systemWorld(log));
    const stopped = stopOnSignals(app, log);
    try {
      await app.start();
    } catch (error) {
      await app.stop();
      // A port that is taken or an id that lives elsewhere is for the operator to mend.
      throw new CliError(EXIT.usage, messageOf(error));
    }
    process.stderr.write(whatNext(config, app.addresses, files.value.madeKey));
    process.exitCode = await stopped;
  },
};

/** Resolves with the exit status once the app has stopped, for whatever reason. */
function stopOnSignals(
  app: ReturnType<typeof createApp>,
  log: ReturnType<typeof createLog>,
): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (exitCode: number): void => {
      if (stopping) return;
      stopping = true;
      // Not unref'd: this is what guarantees the end when a part hangs.
      const deadline = setTimeout(() => process.exit(EXIT.failed), STOP_DEADLINE_MS);
      void app.stop().then(() => {
        clearTimeout(deadline);
        resolve(exitCode);
      });
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(EXIT.failed); // the second one exits at once
      log.info({ signal }, 'stopping');
      stop(EXIT.ok);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    process.on('SIGHUP', () => app.reload());
    const onFault = (error: unknown): void => {
      log.error({ err: messageOf(error), stack: error instanceof Error ? error.stack : '' }, 'fatal');
      if (stopping) process.exit(EXIT.failed);
      stop(error instanceof CodedError && error.code === 'ERR_ID_ALIVE_ELSEWHERE' ? EXIT.usage : EXIT.failed);
    };
    process.on('uncaughtException', onFault);
    process.on('unhandledRejection', onFault);
    void app.fatal.then(onFault);
  });
}
