// sipp: a scenario run for every row of an injection file, and what it logged.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { requirePrograms } from './program.ts';

export interface SippRun {
  readonly scenario: 'register' | 'invite';
  /** `u1` UDP; `t1` TCP, one connection for all; `tn` TCP, one connection a call. */
  readonly transport: 'u1' | 't1' | 'tn';
  readonly server: string;
  /** Fields of each call: user, domain, and what else the scenario wants. */
  readonly rows: readonly (readonly string[])[];
}

/** So many calls a second, so many at once; sipp's own default of sockets is more than a shell may open. */
const PACE = '-r 400 -l 50 -max_socket 500 -timeout 60s -timeout_error -nostdin';

/** `answer USER CONTACT` lines of the scenario's log, by user. Throws if a call failed. */
export async function runSipp(place: Place, run: SippRun): Promise<Map<string, string>> {
  requirePrograms('sipp');
  const name = `${run.scenario}-${run.transport}`;
  const rows = join(place.folder, `${name}.csv`);
  const log = join(place.folder, `${name}.log`);
  const errors = join(place.folder, `${name}.errors`);
  writeFileSync(rows, `SEQUENTIAL\n${run.rows.map((fields) => `${fields.join(';')};\n`).join('')}`);
  const program = place.start(`sipp ${name}`, [
    'sipp',
    `${run.server}:5060`,
    ...['-sf', join(import.meta.dirname, `../sipp/${run.scenario}.xml`), '-inf', rows],
    ...`-t ${run.transport} -i 10.1.0.1 -p 5080 -m ${run.rows.length} ${PACE}`.split(' '),
    ...['-trace_logs', '-log_file', log, '-trace_err', '-error_file', errors],
  ]);
  const status = await program.exit(90_000);
  if (status !== 0)
    throw new Error(`sipp ${name} ended with ${status}\n${textOf(errors)}\n${program.tail()}`);
  const answers = new Map<string, string>();
  for (const line of textOf(log).split('\n')) {
    const [, user, contact] = /^answer (\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    if (user !== undefined && contact !== undefined) answers.set(user, contact);
  }
  return answers;
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').slice(0, 1_000_000);
  } catch (error) {
    // sipp writes no file when there is nothing to say.
    return `(${String(error)})`;
  }
};
