// Walks the ring from member to member, as `chordial ring` and the status page show it, and has it checked.
import type { Id } from '../record/id.ts';
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import { type Absence, type RingFinding, ringFindings, type Twin, type WalkedMember } from './ring-check.ts';
import type { CallOutcome, Peer, Request } from './types.ts';

export interface RingWalk {
  /** In ring order. */
  readonly members: readonly WalkedMember[];
  /** Heard of, but they did not answer. */
  readonly silent: readonly Peer[];
  /** What does not fit together, in words; empty in a settled ring. */
  readonly problems: readonly string[];
  /** The same, each with a name under which it can be found again in a later walk. */
  readonly findings: readonly RingFinding[];
}

export interface WalkOptions {
  /** Told after each member: how many were asked, of how many heard of so far. */
  readonly onProgress?: (asked: number, known: number) => void;
  /** The address of a peer that we can reach; its preferred one if absent. */
  readonly endpointOf?: (peer: Peer) => Endpoint | undefined;
}

const MEMBERS_MAX = 10_000;
/** Paces the walk: two requests each, to different members. */
const AT_ONCE = 16;

type Call = (to: Endpoint, request: Request) => Promise<CallOutcome>;

/** Whom to ask where; without a peer: whoever answers there. */
interface Visit {
  readonly endpoint: Endpoint;
  readonly peer: Peer | undefined;
}

type Visited =
  | { readonly ok: true; readonly member: WalkedMember; readonly told: readonly Peer[] }
  | { readonly ok: false; readonly why: Absence['why'] };

const visit = async (call: Call, { endpoint, peer }: Visit): Promise<Visited> => {
  const to = peer === undefined || peer.vnode === 0 ? {} : { vnode: peer.vnode };
  const [status, around] = await Promise.all([
    call(endpoint, { type: 'status', ...to }),
    call(endpoint, { type: 'neighbours', ...to }),
  ]);
  if (!status.ok) return { ok: false, why: 'silent' };
  if (status.answer.type !== 'status')
    return { ok: false, why: status.answer.type === 'error' ? status.answer.code : 'malformed' };
  const { successors, predecessors } =
    around.ok && around.answer.type === 'neighbours' ? around.answer : { successors: [], predecessors: [] };
  const member: WalkedMember = {
    peer: status.answer.status.self,
    endpoint,
    rttMs: status.meta.rttMs,
    status: status.answer.status,
    successor: successors[0]?.id,
    predecessor: predecessors[0]?.id,
    successors,
    predecessors,
    sizeEstimate: status.meta.sizeEstimate,
  };
  return { ok: true, member, told: [...successors, ...predecessors] };
};

/** Visits everybody that somebody names, a few at once. Never rejects. */
export const walkRing = async (
  call: Call,
  start: readonly Endpoint[],
  options: WalkOptions = {},
): Promise<RingWalk> => {
  const endpointOf = options.endpointOf ?? ((peer: Peer) => peer.endpoints[0]);
  // BOUNDED: all of these by MEMBERS_MAX and what that many answers name.
  const members = new Map<Id, WalkedMember>();
  const named = new Map<Id, Peer>();
  const absences = new Map<string, Absence['why']>();
  const twins: Twin[] = [];
  const seen = new Set<string>();
  const queue: Visit[] = [];
  let asked = 0;

  const nameOf = ({ endpoint, peer }: Visit): string =>
    `${formatEndpoint(endpoint)}${peer === undefined ? '' : ` ${peer.id}`}`;
  const plan = (one: Visit): void => {
    const name = nameOf(one);
    if (seen.has(name) || seen.size >= MEMBERS_MAX) return;
    seen.add(name);
    queue.push(one);
  };
  const isKnown = (peer: Peer, endpoint: Endpoint): boolean => {
    const known = members.get(peer.id);
    return known !== undefined && formatEndpoint(known.endpoint) === formatEndpoint(endpoint);
  };
  const take = (one: Visit, visited: Visited): void => {
    if (!visited.ok) {
      absences.set(nameOf(one), visited.why);
      return;
    }
    const { member, told } = visited;
    if (one.peer !== undefined && member.peer.id !== one.peer.id) absences.set(nameOf(one), 'another');
    else if (member.status.members === 0) absences.set(nameOf(one), 'not-member');
    if (member.status.members === 0) return;
    const known = members.get(member.peer.id);
    if (known === undefined) members.set(member.peer.id, member);
    else if (known.peer.bootSequence !== member.peer.bootSequence)
      twins.push({ peer: member.peer, endpoints: [known.endpoint, member.endpoint] });
    for (const peer of told) {
      if ((named.get(peer.id)?.bootSequence ?? -1) < peer.bootSequence) named.set(peer.id, peer);
      const endpoint = endpointOf(peer);
      if (endpoint !== undefined && !isKnown(peer, endpoint)) plan({ endpoint, peer });
    }
  };

  for (const endpoint of start) plan({ endpoint, peer: undefined });
  // A silent one takes seconds: nobody else waits for it.
  await new Promise<void>((resolve) => {
    let active = 0;
    const pump = (): void => {
      while (active < AT_ONCE) {
        const one = queue.shift();
        if (one === undefined) break;
        if (one.peer !== undefined && isKnown(one.peer, one.endpoint)) {
          asked += 1;
          continue;
        }
        active += 1;
        void visit(call, one).then((visited) => {
          active -= 1;
          asked += 1;
          take(one, visited);
          options.onProgress?.(asked, seen.size);
          pump();
        });
      }
      if (active === 0 && queue.length === 0) resolve();
    };
    pump();
  });

  const inOrder = [...members.values()].sort((a, b) => (a.peer.id < b.peer.id ? -1 : 1));
  const absent = [...named.values()].flatMap((peer): Absence[] => {
    const endpoint = endpointOf(peer);
    const why = endpoint === undefined ? 'silent' : absences.get(nameOf({ endpoint, peer }));
    return why === undefined || members.has(peer.id) ? [] : [{ peer, why }];
  });
  const findings = ringFindings({ members: inOrder, absent, twins });
  return {
    members: inOrder,
    silent: absent.filter(({ why }) => why === 'silent').map(({ peer }) => peer),
    problems: findings.map(({ text }) => text),
    findings,
  };
};
