// The Location Service as a port (draft-johnston-sipping-p2p-ipcom-02 §4): publish and query, whatever stands behind.
import type { Binding, Publication } from '../record/types.ts';
import type { LocationName } from '../uri/types.ts';

export type { Binding, BindingChange, Publication } from '../record/types.ts';

export type PublishResult =
  /** Stored as the mode promises (DESIGN §5.1); `bindings`: all that the Location Service now holds for the name. */
  | { readonly kind: 'stored'; readonly bindings: readonly Binding[] }
  /** A publication of the same series with a higher seq came before (RFC 3261 §10.3 step 7). */
  | { readonly kind: 'stale' }
  /** Will not be stored however often it is tried: too large, over a quota, not our domain. */
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /** What the publisher may tell its client; without it: not allowed. */
      readonly cause?: 'too-large' | 'quota' | 'not-ours';
    }
  /** The Location Service can't take it now. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export type QueryResult =
  | { readonly kind: 'found'; readonly bindings: readonly Binding[] }
  /** `unvouched`: so many are there, but nobody vouches for their signers, which for a caller is the same. */
  | { readonly kind: 'none'; readonly unvouched?: number }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'timeout' };

/** Never rejects: what goes wrong outside is a result. */
export interface LocationService {
  publish(publication: Publication): Promise<PublishResult>;
  query(name: LocationName): Promise<QueryResult>;
}
