// The record store's port over opaque entries, `series seq what`: of each series the greatest seq counts.
import type { PublishVerdict, RecordStorePort } from '../dht/types.ts';
import { type Arc, clockwiseFrom, hashToId, type Id, inHalfOpen } from '../record/id.ts';
import { sha256 } from '../runtime/sha256.ts';

export const entryOf = (series: string, seq: number, what = ''): Uint8Array =>
  new Uint8Array(Buffer.from(`${series} ${seq} ${what}`));

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export const keyOf = (name: string): Id => hashToId(Buffer.from(name));

const parse = (bytes: Uint8Array): { series: string; seq: number } => {
  const [series = '', seq = ''] = textOf(bytes).split(' ');
  return { series, seq: Number(seq) };
};

/** Merges by series, refuses what says so, and knows what is stale. */
export class OpaqueStore implements RecordStorePort {
  // BOUNDED: by the simulation's author.
  readonly #held = new Map<Id, Map<string, Uint8Array>>();

  async publish(key: Id, entries: readonly Uint8Array[]): Promise<PublishVerdict> {
    const held = this.#held.get(key);
    for (const entry of entries) {
      const { series, seq } = parse(entry);
      if (series === 'refused') return { kind: 'refused', detail: 'as asked' };
      const before = held?.get(series);
      if (before !== undefined && parse(before).seq > seq) return { kind: 'stale' };
    }
    await this.absorb(key, entries);
    return { kind: 'stored', live: this.live(key) };
  }

  async absorb(key: Id, records: readonly Uint8Array[]): Promise<number> {
    const held = this.#held.get(key) ?? new Map<string, Uint8Array>();
    this.#held.set(key, held);
    let fresh = 0;
    for (const record of records) {
      const { series, seq } = parse(record);
      const before = held.get(series);
      if (before !== undefined && parse(before).seq >= seq) continue;
      held.set(series, Uint8Array.from(record));
      fresh += 1;
    }
    return fresh;
  }

  live(key: Id): readonly Uint8Array[] {
    return this.records(key);
  }

  shows(key: Id): boolean {
    return this.live(key).length > 0;
  }

  certain(_key: Id): boolean {
    return true;
  }

  records(key: Id): readonly Uint8Array[] {
    return [...(this.#held.get(key)?.values() ?? [])];
  }

  digest(key: Id): Uint8Array | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    const digest = new Uint8Array(8);
    for (const record of held.values()) {
      const hash = sha256(record);
      for (let i = 0; i < 8; i += 1) digest[i] = (digest[i] ?? 0) ^ (hash[i] ?? 0);
    }
    return digest;
  }

  keysIn(arc: Arc): readonly Id[] {
    return [...this.#held.keys()]
      .filter((key) => inHalfOpen(arc.from, key, arc.to))
      .sort(clockwiseFrom(arc.from));
  }

  drop(key: Id): void {
    this.#held.delete(key);
  }

  get counts(): { keys: number; entries: number; bytes: number } {
    const entries = [...this.#held.values()].reduce((sum, held) => sum + held.size, 0);
    return { keys: this.#held.size, entries, bytes: 0 };
  }
}
