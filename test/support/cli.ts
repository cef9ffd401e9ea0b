// The command line in this process: fast, and with what it printed taken down.
import { vi } from 'vitest';
import { runCli } from '../../src/cli/run.ts';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `chordial ARGS` as into a pipe, or as on a terminal. One at a time: there is one stdout. */
export async function runCommand(
  args: readonly string[],
  { terminal = false }: { readonly terminal?: boolean } = {},
): Promise<CliRun> {
  const taken = { stdout: '', stderr: '' };
  const wasTerminal = process.stdout.isTTY;
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      taken[stream] += String(chunk);
      return true;
    }),
  );
  // yargs prints help and version by console.log.
  const log = vi.spyOn(console, 'log').mockImplementation((text) => {
    taken.stdout += `${String(text)}\n`;
  });
  process.stdout.isTTY = terminal;
  try {
    return { code: await runCli(args), ...taken };
  } finally {
    process.stdout.isTTY = wasTerminal;
    for (const spy of [...spies, log]) spy.mockRestore();
  }
}
