// Field codecs: each says how one kind of value is written to CBOR and read back, with its bound.
import { type Arc, ID_BYTES, type Id, idFromBytes, idToBytes } from '../record/id.ts';
import type { DecodePeer } from './descriptor.ts';
import type { Peer } from './types.ts';

/** Thrown by field codecs, caught at the message's boundary (messages.ts) and nowhere else. */
export class FieldError extends Error {}

export interface FieldCodec<T> {
  write(value: T): unknown;
  /** Throws FieldError on anything that isn't a T within its bounds. */
  read(raw: unknown): T;
}

const refuse = (what: string): never => {
  throw new FieldError(what);
};

export const uint = (max = Number.MAX_SAFE_INTEGER): FieldCodec<number> => ({
  write: (value) => value,
  read: (raw) =>
    typeof raw === 'number' && raw >= 0 && raw <= max ? raw : refuse(`not a number up to ${max}`),
});

export const bool: FieldCodec<boolean> = {
  write: (value) => value,
  read: (raw) => (typeof raw === 'boolean' ? raw : refuse('not a boolean')),
};

export const bytes = (max: number): FieldCodec<Uint8Array> => ({
  write: (value) => value,
  read: (raw) => (raw instanceof Uint8Array && raw.length <= max ? raw : refuse(`not up to ${max} bytes`)),
});

/** `max` bytes of UTF-8. */
export const text = (max: number): FieldCodec<string> => ({
  write(value) {
    let cut = value.slice(0, max);
    while (Buffer.byteLength(cut) > max) cut = cut.slice(0, -1);
    return cut;
  },
  read: (raw) =>
    typeof raw === 'string' && Buffer.byteLength(raw) <= max ? raw : refuse(`not text up to ${max} bytes`),
});

export const id: FieldCodec<Id> = {
  write: idToBytes,
  read: (raw) =>
    raw instanceof Uint8Array && raw.length === ID_BYTES ? idFromBytes(raw) : refuse('not an id of 20 bytes'),
};

export const list = <T>(item: FieldCodec<T>, max: number): FieldCodec<readonly T[]> => ({
  write: (value) => value.map(item.write),
  read: (raw) =>
    Array.isArray(raw) && raw.length <= max ? raw.map(item.read) : refuse(`not a list up to ${max}`),
});

/** Written as a two-element array. */
export const pair = <T, A, B>(
  first: FieldCodec<A>,
  second: FieldCodec<B>,
  both: { readonly make: (a: A, b: B) => T; readonly split: (value: T) => readonly [A, B] },
): FieldCodec<T> => ({
  write(value) {
    const [a, b] = both.split(value);
    return [first.write(a), second.write(b)];
  },
  read: (raw) =>
    Array.isArray(raw) && raw.length === 2
      ? both.make(first.read(raw[0]), second.read(raw[1]))
      : refuse('not a pair'),
});

export const arc: FieldCodec<Arc> = pair(id, id, {
  make: (from, to) => ({ from, to }),
  split: (value) => [value.from, value.to],
});

/** Words as their place in a list that later versions may only append to. */
export const word = <T extends string>(words: readonly T[], unknownWord?: T): FieldCodec<T> => ({
  write: (value) => words.indexOf(value),
  read: (raw) =>
    typeof raw === 'number' && raw >= 0
      ? (words[raw] ?? unknownWord ?? refuse(`not one of ${words.join(', ')}`))
      : refuse(`not one of ${words.join(', ')}`),
});

/** Peers travel as their signed descriptors, verbatim; a list with a bad one is no list. */
export const peer = (decodePeer: DecodePeer): FieldCodec<Peer> => ({
  write: (value) => value.encoded,
  read(raw) {
    const decoded = raw instanceof Uint8Array ? decodePeer(raw) : refuse('descriptor is not bytes');
    return decoded.ok ? decoded.value : refuse(`descriptor: ${decoded.error}`);
  },
});

interface Field<T> {
  readonly at: number;
  readonly codec: FieldCodec<NonNullable<T>>;
  /** What a missing field reads as; without it a missing field is an error. */
  readonly absent?: { readonly value: T } | 'omitted';
}

type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** A record as a CBOR map with small integer keys. Keys it doesn't know are ignored: later versions add optional ones. */
export interface Struct<T> {
  write(value: T, into: Map<number, unknown>): void;
  read(map: ReadonlyMap<unknown, unknown>): T;
}

export const struct = <T extends object>(fields: Fields<T>): Struct<T> => {
  // Object.entries forgets which key goes with which type; `fields` was checked against T above.
  const entries = Object.entries(fields) as [keyof T, Field<T[keyof T]>][];
  // As they stand on the wire: a map that is set in order is written without sorting.
  entries.sort(([, a], [, b]) => a.at - b.at);
  return {
    write(value, into) {
      for (const [name, field] of entries) {
        const one = value[name];
        if (one !== undefined && one !== null) into.set(field.at, field.codec.write(one));
      }
    },
    read(map) {
      const out: Partial<T> = {};
      for (const [name, field] of entries) {
        const raw = map.get(field.at);
        if (raw !== undefined) out[name] = readField(String(name), field, raw);
        else if (field.absent === undefined) throw new FieldError(`${String(name)} is missing`);
        else if (field.absent !== 'omitted') out[name] = field.absent.value;
      }
      // Every field of T is there or was allowed to be absent: `Fields<T>` names all of them.
      return out as T;
    },
  };
};

const readField = <T>(name: string, field: Field<T>, raw: unknown): NonNullable<T> => {
  try {
    return field.codec.read(raw);
  } catch (error) {
    if (error instanceof FieldError) throw new FieldError(`${name}: ${error.message}`);
    throw error;
  }
};

/** A struct as the value of a field. */
export const nested = <T extends object>(inner: Struct<T>): FieldCodec<T> => ({
  write(value) {
    const map = new Map<number, unknown>();
    inner.write(value, map);
    return map;
  },
  read: (raw) => (raw instanceof Map ? inner.read(raw) : refuse('not a map')),
});

type Of<U, Tag extends string, N> = Extract<U, { readonly [T in Tag]: N }>;

/** One member of a union: its number on the wire and the fields beside the tag. */
interface Variant<T> {
  readonly code: number;
  readonly body: Struct<T>;
}

export type Variants<U extends { readonly [T in Tag]: string }, Tag extends string> = {
  readonly [N in U[Tag]]: Variant<Omit<Of<U, Tag, N>, Tag>>;
};

export interface Union<U, Tag extends string> {
  /** `more`: fields beside the member's own, with lower keys than those. */
  write(value: U, more?: readonly (readonly [key: number, value: unknown])[]): Map<number, unknown>;
  /** Which member it is; undefined if of none that this version knows. */
  nameOf(map: ReadonlyMap<unknown, unknown>): (U & { readonly [T in Tag]: string })[Tag] | undefined;
  read(map: ReadonlyMap<unknown, unknown>): U;
}

/** A discriminated union as a map whose key 0 is the member's number. */
export const union = <Tag extends string, U extends { readonly [T in Tag]: string }>(
  tag: Tag,
  variants: Variants<U, Tag>,
): Union<U, Tag> => {
  // The mapped type above ties each name to its struct; seen one by one that tie is lost, hence the casts here.
  const byName = variants as Readonly<Record<string, Variant<object>>>;
  const byCode = new Map(Object.entries(byName).map(([name, variant]) => [variant.code, name]));
  const nameOf = (map: ReadonlyMap<unknown, unknown>): U[Tag] | undefined => {
    const code = map.get(0);
    return typeof code === 'number' ? (byCode.get(code) as U[Tag] | undefined) : undefined;
  };
  return {
    nameOf,
    write(value, more = []) {
      const variant = byName[value[tag]];
      const map = new Map<number, unknown>([[0, variant?.code], ...more]);
      variant?.body.write(value, map);
      return map;
    },
    read(map) {
      const name = nameOf(map);
      const variant = name === undefined ? undefined : byName[name];
      if (variant === undefined) throw new FieldError('unknown kind');
      return { [tag]: name, ...variant.body.read(map) } as unknown as U;
    },
  };
};
