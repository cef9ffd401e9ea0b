// What a member of the ring shows of its state in the metrics, and the changes it counts.
import type { Metrics } from '../runtime/metrics.ts';
import type { RingChange } from './neighbourhood.ts';
import type { RingCore } from './ring-core.ts';

const headChanged = (before: RingChange['before'], after: RingChange['after']): boolean =>
  before.predecessors[0]?.id !== after.predecessors[0]?.id ||
  before.successors[0]?.id !== after.successors[0]?.id;

export const registerRingMetrics = (core: RingCore, metrics: Metrics): void => {
  metrics.gauge(
    'chordial_ring_members',
    'Members of the ring known here, ourselves included',
    () => core.known,
  );
  metrics.gauge('chordial_ring_size_estimate', 'Estimated number of members of the ring', () =>
    core.sizeEstimate(),
  );
  metrics.gauge('chordial_ring_ready', '1 while in the ring with enough members', () => (core.ready ? 1 : 0));
  metrics.gauge('chordial_ring_table_peers', 'Peers in the peer table', () => core.known - 1);
  metrics.gauge('chordial_ring_lease', '1 while this node may acknowledge and deny', () =>
    core.leaseValid() ? 1 : 0,
  );
  metrics.gauge('chordial_ring_full', '1 while the ring is too large for everybody to know everybody', () =>
    core.mode === 'full' ? 1 : 0,
  );
  metrics.counters(
    'chordial_ring_lease_lapses_total',
    'Times without the lease, or of standing still',
    () => [[{}, core.leaseLapses]],
  );
  const events = metrics.counter('chordial_ring_events_total', 'Changes around this member, by what changed');
  core.onChange(({ before, after }) => {
    if (before.mode !== after.mode) events.add({ event: `mode-${after.mode}` });
    if (before.self.bootSequence !== after.self.bootSequence) events.add({ event: 'reincarnated' });
    if (headChanged(before, after)) events.add({ event: 'neighbours' });
    else if (before.mode === after.mode) events.add({ event: 'lists' });
  });
};
