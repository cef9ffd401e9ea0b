// How far a long command is: a bar on stderr where that is a terminal, nothing elsewhere.

export interface Progress {
  update(done: number, of: number, what?: string): void;
  /** Takes the bar away. */
  end(): void;
}

const WIDTH = 24;
const CLEAR_LINE = '\r\u001b[K';

export function startProgress(what: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, end: () => undefined };
  let shown = '';
  return {
    update(done, of, words = what) {
      const full = of > 0 ? Math.round((WIDTH * Math.min(done, of)) / of) : 0;
      const text = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${done}/${of} ${words}`;
      if (text === shown) return;
      shown = text;
      process.stderr.write(`${CLEAR_LINE}${text}`);
    },
    end: () => {
      if (shown !== '') process.stderr.write(CLEAR_LINE);
    },
  };
}
