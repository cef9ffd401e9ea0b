// Reads CDDL (RFC 8610), as much of it as docs/lsp.md and docs/lsp-entry.md are written in: rules, maps, arrays, groups,
// choices, ranges, occurrences, .size and .cbor.
export type Type =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'value'; readonly value: bigint | string | Uint8Array }
  | { readonly kind: 'range'; readonly from: bigint; readonly to: bigint }
  | { readonly kind: 'choice'; readonly of: readonly Type[] }
  | { readonly kind: 'map' | 'array' | 'group'; readonly members: readonly Member[] }
  | { readonly kind: 'size' | 'cbor'; readonly base: Type; readonly control: Type };

export interface Member {
  readonly min: number;
  readonly max: number;
  /** With ":" the key is decided by its value alone ("cut", RFC 8610 §3.5.4). */
  readonly key: Type | undefined;
  readonly cut: boolean;
  readonly type: Type;
}

const TOKEN =
  /\s+|;.*|(h'[0-9a-f]*'|"[^"]*"|-?\d+\.\.-?\d+|\d+\*\d*|\*\d+|-?\d+|\.[a-z]+|[A-Za-z_][A-Za-z0-9_-]*|=>|[=/?*:,{}[\]()])/gy;

const tokensOf = (text: string): string[] => {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`CDDL: ${text.slice(at, at + 30)}`);
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
};

export const PRELUDE = new Set(['any', 'uint', 'int', 'bstr', 'tstr', 'bool', 'null', 'true', 'false']);

/** The rules of one text, by name; throws on what it can't read, on a name twice and on names that nothing defines. */
export const parseCddl = (text: string): ReadonlyMap<string, Type> => {
  const tokens = tokensOf(text);
  let at = 0;
  const used = new Set<string>();
  const peek = (ahead = 0): string => tokens[at + ahead] ?? '';
  const take = (expected?: string): string => {
    const token = peek();
    if (token === '' || (expected !== undefined && token !== expected))
      throw new Error(
        `CDDL: "${token}" instead of "${expected ?? 'more'}" before ${tokens.slice(at, at + 6)}`,
      );
    at += 1;
    return token;
  };
  const list = (end: string): Member[] => {
    const members: Member[] = [];
    while (peek() !== end) {
      members.push(member());
      if (peek() === ',') take();
    }
    take(end);
    return members;
  };
  const occurrence = (): { min: number; max: number } => {
    if (peek() === '?') {
      take();
      return { min: 0, max: 1 };
    }
    const counted = /^(\d*)\*(\d*)$/.exec(peek());
    if (counted === null) return { min: 1, max: 1 };
    take();
    return { min: Number(counted[1] || 0), max: counted[2] ? Number(counted[2]) : Number.POSITIVE_INFINITY };
  };
  const member = (): Member => {
    const occurs = occurrence();
    const first = type();
    if (peek() === ':') {
      take();
      return { ...occurs, key: first, cut: true, type: type() };
    }
    if (peek() === '=>') {
      take();
      return { ...occurs, key: first, cut: false, type: type() };
    }
    return { ...occurs, key: undefined, cut: false, type: first };
  };
  const type = (): Type => {
    const of = [controlled()];
    while (peek() === '/') {
      take();
      of.push(controlled());
    }
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind: 'choice', of };
  };
  const controlled = (): Type => {
    const base = plain();
    if (peek() === '.size') {
      take();
      return { kind: 'size', base, control: plain() };
    }
    if (peek() === '.cbor') {
      take();
      return { kind: 'cbor', base, control: plain() };
    }
    return base;
  };
  const plain = (): Type => {
    const token = take();
    if (token === '{') return { kind: 'map', members: list('}') };
    if (token === '[') return { kind: 'array', members: list(']') };
    if (token === '(') {
      const members = list(')');
      const [only] = members;
      // Parentheses around one type without a key are just that.
      return members.length === 1 && only?.key === undefined && only?.min === 1 && only.max === 1
        ? only.type
        : { kind: 'group', members };
    }
    if (token.startsWith("h'"))
      return { kind: 'value', value: new Uint8Array(Buffer.from(token.slice(2, -1), 'hex')) };
    if (token.startsWith('"')) return { kind: 'value', value: token.slice(1, -1) };
    const range = /^(-?\d+)\.\.(-?\d+)$/.exec(token);
    if (range !== null) return { kind: 'range', from: BigInt(range[1] ?? ''), to: BigInt(range[2] ?? '') };
    if (/^-?\d+$/.test(token)) return { kind: 'value', value: BigInt(token) };
    if (!/^[A-Za-z_]/.test(token)) throw new Error(`CDDL: "${token}" is no type`);
    if (peek() !== ':') used.add(token);
    return { kind: 'name', name: token };
  };
  const rules = new Map<string, Type>();
  while (at < tokens.length) {
    const name = take();
    take('=');
    if (rules.has(name) || PRELUDE.has(name)) throw new Error(`CDDL: ${name} is defined twice`);
    rules.set(name, type());
  }
  for (const name of used) if (!rules.has(name) && !PRELUDE.has(name)) throw new Error(`CDDL: no ${name}`);
  return rules;
};

/** The ```cddl blocks of a page, in one text. */
export const cddlOf = (page: string): string =>
  [...page.matchAll(/```cddl\n([\s\S]*?)```/g)].map(([, block]) => block).join('\n');
