// Asks for a password without showing it; from a pipe, takes its first line.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CliError, EXIT } from './exit-code.ts';

const PASSWORD_BYTES_MAX = 1024;

const silent = new Writable({ write: (_chunk, _encoding, done) => done() });

async function readLine(prompt: string): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write(prompt);
  const lines = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY });
  try {
    for await (const line of lines) {
      if (Buffer.byteLength(line) > PASSWORD_BYTES_MAX)
        throw new CliError(EXIT.usage, 'that password is too long');
      return line;
    }
    return '';
  } finally {
    lines.close();
    if (process.stdin.isTTY) process.stderr.write('\n');
  }
}

/** The password, asked twice on a terminal. Never from argv: everybody on a machine can read that. */
export async function askPassword(user: string): Promise<string> {
  const password = await readLine(`Password for ${user}: `);
  if (password === '') throw new CliError(EXIT.usage, 'an empty password is no password');
  if (process.stdin.isTTY && (await readLine('Once more: ')) !== password)
    throw new CliError(EXIT.usage, 'the two were not the same');
  return password;
}
