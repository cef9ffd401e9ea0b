// Logging as a port; pino behind it in production. Object first, constant message.
import { pino } from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A log whose lines carry `{mod: name}`. */
  child(fields: { mod: string }): Log;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Written at once beyond this. */
const BUFFERED_BYTES = 8192;

/**
 * JSON lines on stdout. The lines of one turn of the event loop go out in one write: a system call for each would cost as
 * much as a look-up. Nothing waits longer, and what is left at the exit is written then.
 */
export const createLog = (level: LogLevel): Log => {
  const stdout = pino.destination({ dest: 1, sync: true, minLength: BUFFERED_BYTES });
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    stdout.flush();
  };
  process.once('exit', () => stdout.flushSync());
  return pino(
    { level, base: null },
    {
      write(line: string) {
        stdout.write(line);
        if (scheduled) return;
        scheduled = true;
        setImmediate(flush);
      },
    },
  );
};

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
