// Whether what the members of a ring say of themselves fits together: Zave's invariants and ours, each breach in words.
import { distance, type Id } from '../record/id.ts';
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import type { ErrorCode, Peer, StatusReport } from './types.ts';

/** One member, as it says of itself. */
export interface WalkedMember {
  readonly peer: Peer;
  readonly endpoint: Endpoint;
  readonly rttMs: number;
  readonly status: StatusReport;
  readonly successor: Id | undefined;
  readonly predecessor: Id | undefined;
  /** Closest first. */
  readonly successors: readonly Peer[];
  readonly predecessors: readonly Peer[];
  readonly sizeEstimate: number;
}

/** Somebody whom a member lists, and who is not there. */
export interface Absence {
  readonly peer: Peer;
  /** What became of the question: no answer, another member answered, or an error. */
  readonly why: 'silent' | 'another' | ErrorCode;
}

/** One id that answers from two lives. */
export interface Twin {
  readonly peer: Peer;
  readonly endpoints: readonly [Endpoint, Endpoint];
}

export interface WalkedRing {
  /** In ring order. */
  readonly members: readonly WalkedMember[];
  readonly absent: readonly Absence[];
  readonly twins: readonly Twin[];
}

export interface RingFinding {
  /** The same breach has the same name in the next walk. */
  readonly name: string;
  readonly text: string;
}

export const memberName = (peer: Peer): string =>
  `${peer.domain}/${peer.selector}${peer.vnode === 0 ? '' : `.${peer.vnode}`} (${peer.id.slice(0, 8)})`;

const finding = (kind: string, about: string, text: string): RingFinding => ({
  name: `${kind} ${about}`,
  text,
});

const NAMED_MAX = 4;
const listed = (names: readonly string[]): string =>
  names.length <= NAMED_MAX
    ? names.join(', ')
    : `${names.slice(0, NAMED_MAX).join(', ')} and ${names.length - NAMED_MAX} more`;

const ABSENT_WORDS: Readonly<Partial<Record<Absence['why'], string>>> = {
  silent: 'does not answer',
  another: 'is not at its address: another member answers there',
  'not-member': 'answers, but is in no ring',
  'unsupported-version': 'speaks another version of LSP',
  'wrong-overlay': 'answers, but belongs to another overlay',
};

const absences = ({ members, absent }: WalkedRing): readonly RingFinding[] =>
  absent.map(({ peer, why }) => {
    const by = members.filter(({ successors, predecessors }) =>
      [...successors, ...predecessors].some(({ id }) => id === peer.id),
    );
    const words = ABSENT_WORDS[why] ?? `answers ${why}`;
    const who = listed(by.map((member) => memberName(member.peer)));
    return finding('absent', peer.id, `${memberName(peer)} is listed by ${who} and ${words}`);
  });

const doubles = ({ twins }: WalkedRing): readonly RingFinding[] =>
  twins.map(({ peer, endpoints: [one, other] }) =>
    finding(
      'twin',
      peer.id,
      `${memberName(peer)} is alive twice: at ${formatEndpoint(one)} and at ${formatEndpoint(other)}`,
    ),
  );

const states = ({ members }: WalkedRing): readonly RingFinding[] =>
  members.flatMap(({ peer, status }) => {
    const name = memberName(peer);
    if (!status.ready) return [finding('ready', peer.id, `${name} is not ready: it knows too few members`)];
    if (status.lease === false)
      return [
        finding('lease', peer.id, `${name} holds no authority lease: it acknowledges and denies nothing`),
      ];
    return [];
  });

/** OneOrderedRing: everybody's successor is the next one and its predecessor the one before (research B.3). */
const neighbours = ({ members }: WalkedRing): readonly RingFinding[] => {
  const names = new Map(members.map(({ peer }) => [peer.id, memberName(peer)]));
  const told = (id: Id): string => names.get(id) ?? `${id.slice(0, 8)}, which is not in the ring,`;
  const one = (
    member: WalkedMember,
    role: 'successor' | 'predecessor',
    right: WalkedMember,
  ): readonly RingFinding[] => {
    const has = member[role];
    if (has === right.peer.id) return [];
    const takes = has === undefined ? `knows no ${role}` : `takes ${told(has)} for its ${role}`;
    const but =
      has === undefined || names.get(has) === undefined
        ? `it is ${memberName(right.peer)}`
        : `${memberName(right.peer)} lies between them and answers`;
    return [finding(role, member.peer.id, `${memberName(member.peer)} ${takes}, but ${but}`)];
  };
  if (members.length < 2) return [];
  return members.flatMap((member, index) => {
    const next = members[(index + 1) % members.length];
    const before = members[(index + members.length - 1) % members.length];
    if (next === undefined || before === undefined) return [];
    return [...one(member, 'successor', next), ...one(member, 'predecessor', before)];
  });
};

/** AtMostOneRing: whoever follows successors from anywhere comes round in the same circle. */
const circles = ({ members }: WalkedRing): readonly RingFinding[] => {
  const next = new Map(members.map(({ peer, successor }) => [peer.id, successor]));
  const names = new Map(members.map(({ peer }) => [peer.id, memberName(peer)]));
  const done = new Set<Id>();
  const found: string[][] = [];
  for (const { peer } of members) {
    const path = new Map<Id, number>();
    let at: Id | undefined = peer.id;
    while (at !== undefined && next.has(at) && !path.has(at) && !done.has(at)) {
      path.set(at, path.size);
      at = next.get(at);
    }
    const start = at === undefined ? undefined : path.get(at);
    if (start !== undefined) found.push([...path.keys()].slice(start).map((id) => names.get(id) ?? id));
    for (const id of path.keys()) done.add(id);
  }
  if (found.length < 2) return [];
  const text = found.map((circle) => `${circle.length} of ${listed(circle)}`).join('; ');
  return [finding('circles', '', `there are ${found.length} rings, not one: ${text}`)];
};

/** A list is a run of the ring without a gap: nobody twice, never oneself, in order, in the lives that answer. */
const lists = ({ members, absent }: WalkedRing): readonly RingFinding[] => {
  const byId = new Map(members.map((member) => [member.peer.id, member.peer]));
  const away = new Set(absent.map(({ peer }) => peer.id));
  const count = members.length;
  return members.flatMap((member, index) => {
    const self = member.peer;
    const check = (role: 'successor' | 'predecessor', step: 1 | -1, wanted: number): RingFinding[] => {
      const list = role === 'successor' ? member.successors : member.predecessors;
      const out: RingFinding[] = [];
      const say = (kind: string, about: string, text: string): void => {
        out.push(finding(`${role}s ${kind} ${about}`, self.id, `${memberName(self)} ${text}`));
      };
      const ids = list.map(({ id }) => id);
      if (ids.includes(self.id)) say('self', '', `has itself in its ${role} list`);
      for (const peer of list.filter(({ id }, at) => ids.indexOf(id) !== at))
        say('twice', peer.id, `has ${memberName(peer)} twice in its ${role} list`);
      const ways = ids
        .filter((id) => id !== self.id)
        .map((id) => (step === 1 ? distance(self.id, id) : distance(id, self.id)));
      if (ways.some((way, at) => way < (ways[at - 1] ?? 0)))
        say('order', '', `has its ${role} list out of order`);
      for (const peer of list) {
        const lives = byId.get(peer.id);
        if (lives !== undefined && lives.bootSequence !== peer.bootSequence)
          say(
            'life',
            peer.id,
            `knows ${memberName(peer)} in its life ${peer.bootSequence}, but that is in life ${lives.bootSequence}`,
          );
      }
      const gone = ids.filter((id) => away.has(id)).length;
      const length = Math.min(count - 1, Math.max(wanted, ids.length) - gone);
      // The head has a finding of its own.
      for (let n = 2; n <= length; n += 1) {
        const right = members[(index + step * n + count * n) % count];
        if (right !== undefined && !ids.includes(right.peer.id))
          say('lacks', right.peer.id, `lacks ${memberName(right.peer)} in its ${role} list`);
      }
      return out;
    };
    return [...check('successor', 1, member.status.successors ?? 1), ...check('predecessor', -1, 1)];
  });
};

/** Where a value must be the same everywhere: who has which. */
const constants = ({ members }: WalkedRing): readonly RingFinding[] =>
  (['replicas', 'successors'] as const).flatMap((constant) => {
    const groups = new Map<number, string[]>();
    for (const { peer, status } of members) {
      const value = status[constant];
      if (value !== undefined) groups.set(value, [...(groups.get(value) ?? []), memberName(peer)]);
    }
    if (groups.size < 2) return [];
    const text = [...groups].map(([value, names]) => `${value} at ${listed(names)}`).join(', but ');
    return [finding('constant', constant, `${constant} is ${text}`)];
  });

/** "Everybody knows everybody" up to successors + 1 members, and nobody's table is whole above. */
const modes = ({ members }: WalkedRing): readonly RingFinding[] =>
  members.flatMap(({ peer, status }) => {
    const { successors } = status;
    if (successors === undefined) return [];
    const right =
      members.length <= successors ? 'small' : members.length > successors + 1 ? 'full' : undefined;
    if (right === undefined || right === status.mode) return [];
    const text = `${memberName(peer)} is in ${status.mode} mode in a ring of ${members.length} with successors ${successors}`;
    return [finding('mode', peer.id, text)];
  });

const hostOf = ({ domain, selector }: Peer): string => `${domain}/${selector}`;

/** Each key lies in the arcs of `replicas` members (of as many hosts as there are, if fewer), no more and no less. */
const arcs = ({ members }: WalkedRing): readonly RingFinding[] => {
  const count = members.length;
  const replicas = members[0]?.status.replicas;
  if (replicas === undefined) return [];
  const wanted = Math.min(replicas, new Set(members.map(({ peer }) => hostOf(peer))).size);
  const ids = members.map(({ peer }) => peer.id);
  const place = new Map(ids.map((id, index) => [id, index]));
  /** The first member at or after an id. */
  const at = (id: Id): number => {
    const exact = place.get(id);
    if (exact !== undefined) return exact;
    const after = ids.findIndex((one) => one > id);
    return Math.max(0, after);
  };
  const out: RingFinding[] = [];
  // Whose arcs cover each member's piece (predecessor, member].
  const holders: string[][] = ids.map(() => []);
  for (const { peer, status } of members) {
    const { arc } = status;
    if (arc === undefined) continue;
    if (arc.to !== peer.id)
      out.push(finding('arc', peer.id, `${memberName(peer)} says its arc ends at ${arc.to.slice(0, 8)}`));
    // An arc that begins at somebody who is gone begins within a piece, and holds only a part of it: not counted.
    const from = place.get(arc.from) ?? at(arc.from);
    const pieces = arc.from === arc.to ? count : (at(arc.to) - from + count) % count;
    for (let n = 0; n < pieces; n += 1) holders[(at(arc.to) - n + count) % count]?.push(memberName(peer));
  }
  members.forEach(({ peer }, index) => {
    const who = holders[index] ?? [];
    if (who.length === wanted) return;
    const before = members[(index + count - 1) % count]?.peer ?? peer;
    const held = who.length === 0 ? 'nobody' : `${who.length} (${listed(who)})`;
    const text = `keys between ${memberName(before)} and ${memberName(peer)} are held by ${held}, not by ${wanted}`;
    out.push(finding('held', peer.id, text));
  });
  return out;
};

/** Everything that does not fit together; empty in a settled ring. */
export const ringFindings = (ring: WalkedRing): readonly RingFinding[] =>
  [absences, doubles, states, circles, neighbours, lists, constants, modes, arcs].flatMap((check) =>
    check(ring),
  );

/** What was found in each of several walks: a ring that is just changing is not broken. */
export const lastingFindings = (walks: readonly (readonly RingFinding[])[]): readonly RingFinding[] => {
  const last = walks.at(-1) ?? [];
  return last.filter(({ name }) => walks.every((walk) => walk.some((one) => one.name === name)));
};
