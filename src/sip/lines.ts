// The lines of a head, folds undone and every line end checked, found by native searches that never go back.
import { type Fault, faultOf } from './read-error.ts';
import { trimmed } from './scanner.ts';

const HTAB = 9;
const SP = 32;
const BACKSLASH = 92;

export const isBlank = (code: number): boolean => code === SP || code === HTAB;

/**
 * Only CR LF ends a line (RFC 3261 §7): a bare CR or LF would end a row for one reader and not for the next, which is
 * how a header gets past a check. NUL stands nowhere but behind the backslash of a quoted pair (§25.1).
 */
export class Lines {
  /** What is wrong with the line that came last. */
  fault: Fault | undefined;
  /** The line that came last went over several rows of text. */
  folded = false;
  /** Characters looked at. */
  steps = 0;
  readonly #text: string;
  readonly #end: number;
  #at = 0;
  /** The next LF and NUL; the end of the text if there is none. */
  #lf: number;
  #nul: number;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.length;
    this.#lf = this.#find('\n', 0);
    this.#nul = this.#find('\0', 0);
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next line without its end, or undefined behind the last. */
  next(): string | undefined {
    const text = this.#text;
    this.fault = undefined;
    this.folded = false;
    if (this.#at >= this.#end) return undefined;
    let line = '';
    for (;;) {
      const start = this.#at;
      const lineEnd = this.#lineEnd(start);
      this.#at = lineEnd + 2;
      // §7.3.1: a line that begins with a blank goes on with the one before, and "All linear white space, including
      // folding, has the same semantics as SP."
      const more = this.#at < this.#end && isBlank(text.charCodeAt(this.#at));
      if (!more && !this.folded) return text.slice(start, lineEnd);
      const piece = trimmed(text, start, lineEnd);
      this.steps += lineEnd - start;
      line = this.folded && piece !== '' ? `${line} ${piece}` : line + piece;
      this.folded = true;
      if (!more) return line;
    }
  }

  /** Where the CR LF stands that ends the row of text beginning at `start`. */
  #lineEnd(start: number): number {
    let from = start;
    for (;;) {
      const cr = this.#find('\r', from);
      while (this.#lf < cr) {
        this.fault ??= faultOf('ERR_SIP_LINE', 'a CR or LF that ends no line');
        this.#lf = this.#find('\n', this.#lf + 1);
      }
      while (this.#nul < cr) {
        if (this.#text.charCodeAt(this.#nul - 1) !== BACKSLASH)
          this.fault ??= faultOf('ERR_SIP_LINE', 'a NUL character');
        this.#nul = this.#find('\0', this.#nul + 1);
      }
      if (cr === this.#end) return cr;
      if (this.#lf === cr + 1) {
        this.#lf = this.#find('\n', cr + 2);
        return cr;
      }
      this.fault ??= faultOf('ERR_SIP_LINE', 'a CR or LF that ends no line');
      from = cr + 1;
    }
  }

  #find(char: string, from: number): number {
    const found = this.#text.indexOf(char, from);
    const at = found < 0 ? this.#end : found;
    this.steps += at - from + 1;
    return at;
  }
}
