// Builds what the phones talk to, once for the whole project: the tests start the command that is installed.
import { execFileSync } from 'node:child_process';

export function setup(): void {
  execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
}
