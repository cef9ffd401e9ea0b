// Who sends a signed request: its descriptor or, where the receiver holds that already, only its name (docs/lsp.md, "Signed requests").
import type { Id } from '../record/id.ts';
import { life } from './event-codec.ts';
import type { Gone, Peer } from './types.ts';

/** The descriptor of one life of a member, if it is held here. */
export type KnownPeer = (id: Id, bootSequence: number) => Peer | undefined;

const DESCRIPTOR_AT = 3;
const NAME_AT = 18;

/** The request goes by the sender's name alone. */
export const putName = (map: Map<number, unknown>, speaker: Peer): void => {
  map.delete(DESCRIPTOR_AT);
  map.set(NAME_AT, life.write(speaker));
};

export const isByName = (map: ReadonlyMap<unknown, unknown>): boolean =>
  map.has(NAME_AT) && !map.has(DESCRIPTOR_AT);

/** The name in a request that has no descriptor of its sender. Throws FieldError if there is one that is none. */
export const nameIn = (map: ReadonlyMap<unknown, unknown>): Gone | undefined => {
  const raw = map.get(NAME_AT);
  if (raw === undefined) return undefined;
  const read = life.read(raw);
  return isByName(map) ? read : undefined;
};

/** The same request with the descriptor that is held here of whom it names. */
export const withDescriptor = (
  map: ReadonlyMap<unknown, unknown>,
  { encoded }: Peer,
): ReadonlyMap<unknown, unknown> => new Map([...map, [DESCRIPTOR_AT, encoded]]);
