// Fields that tell of membership: who departed, events on their way, fingerprints of tables (docs/lsp.md, "One hop").
import type { Id } from '../record/id.ts';
import { bytes, type FieldCodec, FieldError, id, list, nested, pair, struct, uint } from './fields.ts';
import { FINGERPRINT_BYTES, packed, unpacked } from './table-digest.ts';
import type { EventBatch, Gone, Peer, RingVersion } from './types.ts';

export const GONE_MAX = 64;
/** Of one EVENTS message, over all its batches. */
export const EVENTS_MAX = 34;
/** Fingerprints in one TABLE message: four times what a sixty-fourth of the largest table holds. */
export const TABLE_HAVE_MAX = 512;

export const sequence = uint();
export const life: FieldCodec<Gone> = pair(id, sequence, {
  make: (of, bootSequence) => ({ id: of, bootSequence }),
  split: (value) => [value.id, value.bootSequence],
});
export const gone: FieldCodec<readonly Gone[]> = list(life, GONE_MAX);
export const fingerprints: FieldCodec<readonly number[]> = {
  write: packed,
  read: (raw) => unpacked(bytes(FINGERPRINT_BYTES * TABLE_HAVE_MAX).read(raw)),
};
export const since: FieldCodec<RingVersion> = pair(sequence, sequence, {
  make: (bootSequence, ringVersion) => ({ bootSequence, ringVersion }),
  split: (value) => [value.bootSequence, value.ringVersion],
});

/** A batch on the wire is {1: until, 2: descriptors of those that came, 3: those that went}. */
export const eventBatches = (one: FieldCodec<Peer>): FieldCodec<readonly EventBatch[]> => {
  const wire = struct<{ until: Id; came: readonly Peer[]; went: readonly Gone[] }>({
    until: { at: 1, codec: id },
    came: { at: 2, codec: list(one, EVENTS_MAX), absent: { value: [] } },
    went: { at: 3, codec: gone, absent: { value: [] } },
  });
  const batch = nested(wire);
  return {
    write: (batches) =>
      batches.map(({ until, events }) =>
        batch.write({
          until,
          came: events.flatMap((event) => (event.kind === 'join' ? [event.peer] : [])),
          went: events.flatMap((event) => (event.kind === 'leave' ? [event] : [])),
        }),
      ),
    read(raw) {
      const batches = list(batch, EVENTS_MAX).read(raw);
      const count = batches.reduce((sum, { came, went }) => sum + came.length + went.length, 0);
      if (count > EVENTS_MAX) throw new FieldError(`more than ${EVENTS_MAX} events`);
      return batches.map(({ until, came, went }) => ({
        until,
        events: [
          ...came.map((peer) => ({ kind: 'join', peer }) as const),
          ...went.map((one) => ({ kind: 'leave', ...one }) as const),
        ],
      }));
    },
  };
};
