// A cursor over a text that only goes forward, and the classes of characters that SIP's grammar is made of.

/** What a reader did: characters looked at. Tests hold it against the size of the input. */
export interface Work {
  steps: number;
}

// One bit a class (RFC 3261 §25.1).
export const TOKEN = 1;
/** SP and HTAB; line folds are undone before. */
export const WS = 2;
/** `generic-param` values: a token or a host, IPv6 with or without its brackets. */
export const PARAM_VALUE = 4;
/** The inside of `<…>`: printable ASCII without the marks that end it. */
export const URI = 8;
/** A URI outside `<…>`: without the three marks that would be ambiguous, RFC 3261 §20. */
export const BARE_URI = 16;
/** An unquoted display name: tokens, blanks, and the UTF-8 that phones write without quotes. */
export const DISPLAY = 32;
/** Call-ID: printable ASCII. */
export const VISIBLE = 64;
export const DIGIT = 128;

const CLASSES: Uint8Array = (() => {
  const classes = new Uint8Array(256);
  const add = (bit: number, chars: string): void => {
    for (const char of chars) {
      const code = char.charCodeAt(0);
      classes[code] = (classes[code] ?? 0) | bit;
    }
  };
  const digits = '0123456789';
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const token = `${digits}${letters}-.!%*_+\`'~`;
  add(TOKEN | DISPLAY | PARAM_VALUE, token);
  add(PARAM_VALUE, '[]:');
  add(WS | DISPLAY, ' \t');
  add(DIGIT, digits);
  for (let code = 0x21; code <= 0x7e; code += 1) {
    const char = String.fromCharCode(code);
    add(VISIBLE, char);
    if (!'<>"'.includes(char)) add(URI, char);
    if (!'<>",;?'.includes(char)) add(BARE_URI, char);
  }
  for (let code = 0x80; code <= 0xff; code += 1) add(DISPLAY, String.fromCharCode(code));
  return classes;
})();

/** True if every character of `text` is of one of the classes of `mask`. */
export const isAll = (text: string, mask: number): boolean => {
  for (let at = 0; at < text.length; at += 1) {
    if (((CLASSES[text.charCodeAt(at)] ?? 0) & mask) === 0) return false;
  }
  return true;
};

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** `text` from `start` to `end` without the blanks at either side (SP and HTAB alone: 0xA0 may be half a letter). */
export const trimmed = (text: string, start: number, end: number): string => {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
};

export class Scanner {
  readonly text: string;
  readonly end: number;
  pos = 0;
  /** Why a read failed: the first thing that was wrong, in words for the peer. */
  fault = '';
  readonly #work: Work | undefined;

  constructor(text: string, work?: Work) {
    this.text = text;
    this.end = text.length;
    this.#work = work;
  }

  /** Counts characters that were looked at without the cursor. */
  count(characters: number): void {
    if (this.#work !== undefined) this.#work.steps += characters;
  }

  get done(): boolean {
    return this.pos >= this.end;
  }

  /** The code of the next character, NaN at the end. */
  peek(): number {
    return this.text.charCodeAt(this.pos);
  }

  eat(code: number): boolean {
    this.count(1);
    if (this.text.charCodeAt(this.pos) !== code) return false;
    this.pos += 1;
    return true;
  }

  /** Goes over all characters of the classes of `mask`. */
  skip(mask: number): void {
    const { text, end } = this;
    let at = this.pos;
    while (at < end && ((CLASSES[text.charCodeAt(at)] ?? 0) & mask) !== 0) at += 1;
    this.count(at - this.pos + 1);
    this.pos = at;
  }

  /** The longest run of characters of the classes of `mask`; may be empty. */
  take(mask: number): string {
    const start = this.pos;
    this.skip(mask);
    return this.text.slice(start, this.pos);
  }

  /** `code` with blanks allowed on both sides (SEMI, COMMA, EQUAL, SLASH, COLON). */
  eatSpaced(code: number): boolean {
    this.skip(WS);
    if (!this.eat(code)) return false;
    this.skip(WS);
    return true;
  }

  /** `[…]`, brackets included; undefined if the end is missing. The cursor stands on the first bracket. */
  bracketed(): string | undefined {
    const start = this.pos;
    this.skip(PARAM_VALUE);
    const close = this.text.indexOf(']', start);
    if (close < 0 || close >= this.pos) return this.fail('a bracket without its end');
    this.pos = close + 1;
    return this.text.slice(start, this.pos);
  }

  /** A quoted string as written, quotes included; undefined if its end is missing. The cursor stands on its first quote. */
  quoted(): string | undefined {
    const { text, end } = this;
    const start = this.pos;
    let at = start + 1;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code === 0x22) break;
      at += code === 0x5c ? 2 : 1;
    }
    this.count(at - start);
    if (at >= end) return this.fail('a quoted string without its end');
    this.pos = at + 1;
    return text.slice(start, at + 1);
  }

  /** Notes the first fault and gives nothing. */
  fail(fault: string): undefined {
    if (this.fault === '') this.fault = fault;
    return undefined;
  }
}
