// chordial serve: run the registrar and its node until a signal says stop.
import type { CommandModule } from 'yargs';
import type { App } from '../app.ts';
import type { Config } from '../config.ts';
import { CodedError, messageOf } from '../runtime/errors.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { readConfig, readConfigAndFiles, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { startProblem } from './start-problem.ts';
import { whatNext } from './what-next.ts';

const STOP_DEADLINE_MS = 10_000;
/** Signals that come within so long are one: to read everything again takes 20 ms in which nobody else is served. */
const HANGUPS_MS = 100;

export const serveCommand: CommandModule = {
  command: ['serve', '$0'],
  describe: 'run the registrar and its node of the ring',
  builder: (yargs) => withConfigOptions(yargs),
  handler: async (argv) => {
    // Loaded here: every command line, a container's health check too, would wait for the whole server otherwise.
    const [{ createApp }, { systemWorld }] = await Promise.all([
      import('../app.ts'),
      import('../runtime/world.ts'),
    ]);
    const { config, files } = readConfigAndFiles(argv, { keep: true });
    const log = createLog(config.log.level);
    const app = createApp(config, files, systemWorld(log));
    const ended = stopOnSignals(app, log);
    let hungUp = false;
    process.on('SIGHUP', () => {
      if (hungUp) return;
      hungUp = true;
      setTimeout(() => {
        hungUp = false;
        void reload(app, argv, log);
      }, HANGUPS_MS);
    });
    try {
      await app.start();
      process.stderr.write(whatNext(config, app.addresses, files.madeKey));
    } catch (error) {
      // Stopped by a signal before it had started.
      if (!ended.begun()) {
        await app.stop();
        // A port that is taken or an id that lives elsewhere is for the operator to mend.
        throw new CliError(EXIT.usage, startProblem(error));
      }
    }
    const fault = await ended.fault;
    if (fault !== undefined) throw fault;
  },
};

/** SIGHUP: the configuration is read again, all sources of it; one with a problem changes nothing. */
async function reload(app: App, argv: Readonly<Record<string, unknown>>, log: Log): Promise<void> {
  let next: Config;
  try {
    next = readConfig(argv);
  } catch (error) {
    log.warn({ problem: messageOf(error) }, 'the configuration was not taken over');
    return;
  }
  await app.reload(next);
}

interface Ended {
  /** The app stops, or has stopped. */
  begun(): boolean;
  /** Resolves once the app has stopped: with what made it stop, or undefined after a signal. */
  readonly fault: Promise<CliError | undefined>;
}

function stopOnSignals(app: App, log: Log): Ended {
  let stopping = false;
  const fault = new Promise<CliError | undefined>((resolve) => {
    const stop = (why: CliError | undefined): void => {
      if (stopping) return;
      stopping = true;
      // Not unref'd: this is what guarantees the end when a part hangs.
      const deadline = setTimeout(() => process.exit(EXIT.failed), STOP_DEADLINE_MS);
      void app.stop().then(() => {
        clearTimeout(deadline);
        resolve(why);
      });
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(EXIT.failed); // the second one exits at once
      log.info({ signal }, 'stopping');
      stop(undefined);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    const onFault = (error: unknown): void => {
      log.error({ err: messageOf(error), stack: error instanceof Error ? error.stack : '' }, 'fatal');
      if (stopping) process.exit(EXIT.failed);
      const mendable = error instanceof CodedError && error.code === 'ERR_ID_ALIVE_ELSEWHERE';
      stop(new CliError(mendable ? EXIT.usage : EXIT.failed, messageOf(error)));
    };
    process.on('uncaughtException', onFault);
    process.on('unhandledRejection', onFault);
    void app.fatal.then(onFault);
  });
  return { begun: () => stopping, fault };
}
