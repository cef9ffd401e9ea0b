// Validates CBOR by the CDDL of a page: a second opinion on every byte the codecs write.
import { unpackCbor } from './cbor-unpack.ts';
import { type Member, PRELUDE, parseCddl, type Type } from './cddl-text.ts';

const same = (a: unknown, b: unknown): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b;

export class Cddl {
  readonly #rules: ReadonlyMap<string, Type>;
  readonly #absent: ReadonlySet<string>;
  /** Every map key of the rules that some value had: RULE.KEY. */
  readonly seen = new Set<string>();

  /** `absent`: rules that match nothing here: what later versions may add has no place in what this one writes. */
  constructor(text: string, absent: readonly string[] = []) {
    this.#rules = parseCddl(text);
    this.#absent = new Set(absent);
  }

  /** What is wrong with a value of unpackCbor as `rule`; undefined if nothing. */
  problem(rule: string, value: unknown): string | undefined {
    return this.#type({ kind: 'name', name: rule }, value, rule);
  }

  /** All keys that the maps of `rule`, in whichever of its alternatives, have: RULE.KEY. */
  keysOf(rule: string): readonly string[] {
    const type = this.#rule(rule);
    if (type.kind === 'choice') {
      return type.of.flatMap((one) => (one.kind === 'name' ? this.keysOf(one.name) : []));
    }
    return 'members' in type ? this.#members(type.members).flatMap((one) => this.#keyName(rule, one)) : [];
  }

  /** The rules that a choice names. */
  choicesOf(rule: string): readonly string[] {
    const type = this.#rule(rule);
    return type.kind === 'choice' ? type.of.flatMap((one) => (one.kind === 'name' ? [one.name] : [])) : [];
  }

  #rule(name: string): Type {
    const rule = this.#rules.get(name);
    if (rule === undefined) throw new Error(`CDDL: no ${name}`);
    return rule;
  }

  #keyName(rule: string, { key }: Member): readonly string[] {
    return key?.kind === 'value' ? [`${rule}.${key.value}`] : [];
  }

  /** Groups by name are written out, absent ones left out. */
  #members(members: readonly Member[]): readonly Member[] {
    return members.flatMap((member) => {
      if (member.key !== undefined) return [member];
      const { type } = member;
      if (type.kind === 'group') return this.#members(type.members);
      if (type.kind !== 'name' || PRELUDE.has(type.name)) return [member];
      if (this.#absent.has(type.name)) return [];
      const rule = this.#rule(type.name);
      if (rule.kind !== 'group') return [member];
      const { min, max } = member;
      const inner = this.#members(rule.members);
      return min === 1 && max === 1 ? inner : inner.map((one) => ({ ...one, min: min * one.min, max }));
    });
  }

  #type(type: Type, value: unknown, rule: string): string | undefined {
    switch (type.kind) {
      case 'name':
        return PRELUDE.has(type.name)
          ? isPrelude(type.name, value)
            ? undefined
            : `${rule}: not ${type.name}`
          : this.#type(this.#rule(type.name), value, type.name);
      case 'value':
        return same(type.value, value) ? undefined : `${rule}: not ${type.value}`;
      case 'range':
        return typeof value === 'bigint' && value >= type.from && value <= type.to
          ? undefined
          : `${rule}: not in ${type.from}..${type.to}`;
      case 'choice': {
        const problems = type.of.map((one) => this.#type(one, value, rule));
        return problems.includes(undefined) ? undefined : problems.join(' / ');
      }
      case 'size':
        return this.#type(type.base, value, rule) ?? this.#size(type.control, value, rule);
      case 'cbor':
        return value instanceof Uint8Array
          ? this.#type(type.control, unpackCbor(value), rule)
          : `${rule}: not bytes`;
      case 'map':
        return value instanceof Map ? this.#map(type.members, value, rule) : `${rule}: not a map`;
      case 'array':
        return Array.isArray(value) ? this.#array(type.members, value, rule) : `${rule}: not an array`;
      case 'group':
        throw new Error(`CDDL: ${rule} is a group, not a type`);
    }
  }

  /** Of bytes and text their length, of a number how many bytes it may take (RFC 8610 §3.8.1). */
  #size(control: Type, value: unknown, rule: string): string | undefined {
    if (typeof value === 'bigint') {
      const bytes = control.kind === 'value' ? Number(control.value) : Number.NaN;
      return value >= 0n && value < 1n << BigInt(8 * bytes) ? undefined : `${rule}: more than ${bytes} bytes`;
    }
    const bytes = value instanceof Uint8Array ? value.length : Buffer.byteLength(String(value));
    return this.#type(control, BigInt(bytes), `${rule}: size`);
  }

  #map(members: readonly Member[], map: ReadonlyMap<unknown, unknown>, rule: string): string | undefined {
    const left = new Map(map);
    for (const member of this.#members(members)) {
      if (member.key === undefined) return `${rule}: a member without a key`;
      let count = 0;
      for (const [key, value] of left) {
        if (this.#type(member.key, key, rule) !== undefined) continue;
        const problem = this.#type(member.type, value, `${rule}.${key}`);
        if (problem !== undefined && member.cut) return problem;
        if (problem !== undefined) continue;
        count += 1;
        left.delete(key);
        if (member.key.kind === 'value') this.seen.add(`${rule}.${member.key.value}`);
      }
      if (count < member.min) return `${rule}: ${this.#keyName(rule, member).join('')} is missing`;
    }
    return left.size === 0 ? undefined : `${rule}: key ${[...left.keys()].join(', ')} is not on the page`;
  }

  #array(members: readonly Member[], items: readonly unknown[], rule: string): string | undefined {
    let at = 0;
    for (const member of this.#members(members)) {
      let count = 0;
      let problem: string | undefined;
      while (count < member.max && at < items.length) {
        problem = this.#type(member.type, items[at], rule);
        if (problem !== undefined) break;
        count += 1;
        at += 1;
      }
      if (count < member.min) return problem ?? `${rule}: too few items`;
      if (problem !== undefined) return problem;
    }
    return at === items.length ? undefined : `${rule}: too many items`;
  }
}

const isPrelude = (name: string, value: unknown): boolean => {
  switch (name) {
    case 'any':
      return true;
    case 'uint':
      return typeof value === 'bigint' && value >= 0n;
    case 'int':
      return typeof value === 'bigint';
    case 'bstr':
      return value instanceof Uint8Array;
    case 'tstr':
      return typeof value === 'string';
    case 'null':
      return value === null;
    case 'true':
      return value === true;
    case 'false':
      return value === false;
    default:
      return typeof value === 'boolean';
  }
};
