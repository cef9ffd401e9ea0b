// Draws SIP messages as a ladder, as engineers do on whiteboards: one column a party, one line a message.
import type { PhoneMessage } from 'sip';

const COLUMN = 26;
const [DIM, GREEN, YELLOW, RED, BOLD, RESET] = process.stdout.isTTY
  ? ['\u001b[2m', '\u001b[32m', '\u001b[33m', '\u001b[31m', '\u001b[1m', '\u001b[0m']
  : ['', '', '', '', '', ''];

export const bold = (text: string): string => `${BOLD}${text}${RESET}`;
export const dim = (text: string): string => `${DIM}${text}${RESET}`;
export const red = (text: string): string => `${RED}${text}${RESET}`;
export const green = (text: string): string => `${GREEN}${text}${RESET}`;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export class Ladder {
  readonly #names = new Map<number, string>();
  readonly #servers = new Set<number>();
  #columns: readonly number[] = [];

  name(port: number, name: string): void {
    this.#names.set(port, name);
  }

  server(port: number, name: string): void {
    this.name(port, name);
    this.#servers.add(port);
  }

  isServer(port: number): boolean {
    return this.#servers.has(port);
  }

  /** From here on messages between these are drawn; none: nothing is. */
  open(ports: readonly number[]): void {
    this.#columns = ports;
    if (ports.length === 0) return;
    print('');
    print(ports.map((port) => bold((this.#names.get(port) ?? '?').padEnd(COLUMN))).join(''));
  }

  note(text: string): void {
    print(`  ${text}`);
  }

  message(from: number, to: number, message: PhoneMessage): void {
    const [left, right] = [from, to].map((port) => this.#columns.indexOf(port)).sort((a, b) => a - b);
    if (left === undefined || right === undefined || left < 0 || left === right) return;
    const label = message.method ?? `${message.status} ${message.reason}`;
    const width = (right - left) * COLUMN - 1;
    const text = ` ${label} `.slice(0, width - 2);
    const line = '-'.repeat(Math.max(0, width - 1 - text.length));
    const arrow =
      this.#columns.indexOf(from) < this.#columns.indexOf(to) ? `${text}${line}>` : `<${line}${text}`;
    const colour =
      message.status === 302
        ? YELLOW
        : (message.status ?? 0) >= 400
          ? RED
          : (message.status ?? 0) >= 200
            ? GREEN
            : '';
    const bars = this.#columns.map((_, index) => (index < left || index >= right ? '|'.padEnd(COLUMN) : ''));
    print(`${bars.slice(0, left).join('')}|${colour}${arrow}${RESET}${bars.slice(right).join('')}`);
  }
}
