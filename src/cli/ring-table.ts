// The members of a ring as `chordial ring` shows them: rows of the JSON document, and of the table for people.
import { sharesOf, type WalkedMember } from '../dht/index.ts';
import { formatEndpoint } from '../runtime/datagram.ts';

const PERCENT = 100;
const rounded = (value: number): number => Math.round(value * PERCENT) / PERCENT;

export const ringRows = (members: readonly WalkedMember[]) =>
  members.map(({ peer, endpoint, rttMs, status, sizeEstimate, successor, predecessor }, index) => {
    const { arc, lookups } = status;
    const { owns, holds } = sharesOf(members, index);
    return {
      id: peer.id,
      domain: peer.domain,
      selector: peer.selector,
      vnode: peer.vnode,
      address: formatEndpoint(endpoint),
      bootSequence: peer.bootSequence,
      arc: arc ?? null,
      /** Of the id space: what it is the first for, and what it holds as one of the replicas. */
      ownsPercent: owns * PERCENT,
      holdsPercent: holds === undefined ? null : holds * PERCENT,
      keys: status.keys,
      entries: status.entries,
      rttMs: rounded(rttMs),
      mode: status.mode,
      ready: status.ready,
      lease: status.lease ?? null,
      settled: status.settled ?? null,
      version: status.version,
      uptimeSec: status.uptimeSec,
      sizeEstimate,
      predecessor: predecessor ?? null,
      successor: successor ?? null,
      replicas: status.replicas ?? null,
      successors: status.successors ?? null,
      table: status.table ?? null,
      storedBytes: status.storedBytes ?? null,
      disagreements: status.disagreements ?? null,
      roundTrips:
        lookups === undefined || lookups.count === 0 ? null : rounded(lookups.roundTrips / lookups.count),
      moved: status.moved ?? null,
      bytes: status.bytes ?? null,
      traffic: status.traffic ?? null,
    };
  });

type RingRow = ReturnType<typeof ringRows>[number];

const duration = (seconds: number): string => {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
};

const stateOf = ({ ready, lease, settled, mode }: RingRow): string => {
  if (!ready) return 'not ready';
  if (lease === false) return 'no lease';
  return settled === false ? `${mode}, fetching` : mode;
};

export const RING_HEAD = [
  'id',
  'member',
  'address',
  'owns',
  'holds',
  'keys',
  'entries',
  'rtt',
  'size',
  'up',
  'version',
  'state',
] as const;

export const ringCells = (row: RingRow): readonly string[] => [
  row.id.slice(0, 8),
  `${row.domain}/${row.selector}${row.vnode === 0 ? '' : `.${row.vnode}`}`,
  row.address,
  `${row.ownsPercent.toFixed(1)} %`,
  row.holdsPercent === null ? '-' : `${row.holdsPercent.toFixed(1)} %`,
  String(row.keys),
  String(row.entries),
  `${row.rttMs.toFixed(1)} ms`,
  String(Math.round(row.sizeEstimate)),
  duration(row.uptimeSec),
  row.version,
  stateOf(row),
];
