// Walks the ring from member to member, as `chordial ring` and the status page show it, and checks that it is one.
import type { Id } from '../record/id.ts';
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import type { CallOutcome, Peer, Request, StatusReport } from './types.ts';

export interface WalkedMember {
  readonly peer: Peer;
  readonly endpoint: Endpoint;
  readonly rttMs: number;
  readonly status: StatusReport;
  readonly successor: Id | undefined;
  readonly predecessor: Id | undefined;
  readonly sizeEstimate: number;
}

export interface RingWalk {
  /** In ring order. */
  readonly members: readonly WalkedMember[];
  /** Heard of, but they did not answer. */
  readonly silent: readonly Peer[];
  /** What does not fit together, in words; empty in a settled ring. */
  readonly problems: readonly string[];
}

const MEMBERS_MAX = 10_000;
const AT_ONCE = 8;

type Call = (to: Endpoint, request: Request) => Promise<CallOutcome>;

const visit = async (
  call: Call,
  endpoint: Endpoint,
): Promise<{ readonly member: WalkedMember; readonly told: readonly Peer[] } | undefined> => {
  const [status, around] = await Promise.all([
    call(endpoint, { type: 'status' }),
    call(endpoint, { type: 'neighbours' }),
  ]);
  if (!status.ok || status.answer.type !== 'status') return undefined;
  const lists = around.ok && around.answer.type === 'neighbours' ? around.answer : undefined;
  const member: WalkedMember = {
    peer: status.answer.status.self,
    endpoint,
    rttMs: status.meta.rttMs,
    status: status.answer.status,
    successor: lists?.successors[0]?.id,
    predecessor: lists?.predecessors[0]?.id,
    sizeEstimate: status.meta.sizeEstimate,
  };
  return { member, told: [...(lists?.successors ?? []), ...(lists?.predecessors ?? [])] };
};

/** Every member's successor is the next one and its predecessor the one before (Zave's ordered ring, research B.3). */
export const ringProblems = (
  members: readonly WalkedMember[],
  silent: readonly Peer[],
): readonly string[] => {
  const problems = silent.map(
    (peer) => `${peer.domain}/${peer.selector} (${peer.id}) is listed and does not answer`,
  );
  members.forEach((member, index) => {
    const { peer, status } = member;
    const name = `${peer.domain}/${peer.selector} (${peer.id})`;
    if (!status.ready) problems.push(`${name} is not ready`);
    const next = members[(index + 1) % members.length];
    const before = members[(index + members.length - 1) % members.length];
    if (members.length < 2 || next === undefined || before === undefined) return;
    if (member.successor !== next.peer.id)
      problems.push(`${name} has ${member.successor ?? 'nobody'} for successor, not ${next.peer.id}`);
    if (member.predecessor !== before.peer.id)
      problems.push(`${name} has ${member.predecessor ?? 'nobody'} for predecessor, not ${before.peer.id}`);
  });
  return problems;
};

/** Visits everybody that somebody names, a few at once. Never rejects. */
export const walkRing = async (call: Call, start: readonly Endpoint[]): Promise<RingWalk> => {
  // BOUNDED: all of these by MEMBERS_MAX and what that many answers name.
  const members = new Map<Id, WalkedMember>();
  const named = new Map<Id, Peer>();
  const seen = new Set<string>(start.map(formatEndpoint));
  const silent = new Set<string>();
  let queue = [...start];
  while (queue.length > 0 && seen.size <= MEMBERS_MAX) {
    const batch = queue.slice(0, AT_ONCE);
    queue = queue.slice(AT_ONCE);
    const visits = await Promise.all(batch.map((endpoint) => visit(call, endpoint)));
    for (const [index, visited] of visits.entries()) {
      const asked = batch[index];
      if (visited === undefined) {
        if (asked !== undefined) silent.add(formatEndpoint(asked));
        continue;
      }
      if (visited.member.status.members > 0) members.set(visited.member.peer.id, visited.member);
      for (const peer of visited.told) {
        named.set(peer.id, peer);
        const endpoint = peer.endpoints[0];
        if (endpoint === undefined || seen.has(formatEndpoint(endpoint))) continue;
        seen.add(formatEndpoint(endpoint));
        queue.push(endpoint);
      }
    }
  }
  const inOrder = [...members.values()].sort((a, b) => (a.peer.id < b.peer.id ? -1 : 1));
  const lost = [...named.values()].filter(
    ({ id, endpoints }) => !members.has(id) && endpoints.some((one) => silent.has(formatEndpoint(one))),
  );
  return { members: inOrder, silent: lost, problems: ringProblems(inOrder, lost) };
};
