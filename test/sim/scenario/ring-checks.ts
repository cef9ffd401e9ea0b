// What is wrong with a ring, seen from outside and all at once: its lists at any time, the ideal once it has settled.
import { clockwiseFrom, type Id } from '../../../src/record/id.ts';
import type { SimMember } from '../../../src/sim/sim-overlay.ts';
import type { Life } from './registrars.ts';

/** No list holds its owner, anybody twice, or is out of order. */
export const listFaults = (lives: readonly Life[]): readonly string[] =>
  lives.flatMap(({ member: { name, node } }) => {
    const hood = node.neighbourhood;
    if (hood === undefined) return [];
    const order = clockwiseFrom(hood.self.id);
    const faults: string[] = [];
    for (const [list, peers] of [
      ['successors', hood.successors],
      ['predecessors', hood.predecessors],
    ] as const) {
      const ids = peers.map(({ id }) => id);
      if (ids.includes(hood.self.id)) faults.push(`${name}: itself among its ${list}`);
      if (new Set(ids).size !== ids.length) faults.push(`${name}: somebody twice among its ${list}`);
      const sorted = [...ids].sort(list === 'successors' ? order : (a, b) => order(b, a));
      if (ids.some((id, index) => id !== sorted[index])) faults.push(`${name}: ${list} out of order`);
    }
    return faults;
  });

const idOf = ({ node }: SimMember): Id | undefined => node.self?.id;

/** What keeps the ring of these from being the ideal one; undefined if nothing does. */
export const ringDefect = (
  lives: readonly Life[],
  options: { readonly successors: number; readonly replicas: number },
): string | undefined => {
  const ids = lives.flatMap(({ member }) => idOf(member) ?? []);
  for (const { member } of lives) {
    const { name, node } = member;
    const hood = node.neighbourhood;
    if (hood === undefined || !node.ready) return `${name} is not ready`;
    const order = clockwiseFrom(hood.self.id);
    const others = ids.filter((id) => id !== hood.self.id).sort(order);
    const wrongMode =
      hood.mode === 'full' ? ids.length <= options.successors : ids.length > options.successors + 1;
    if (wrongMode) return `${name} is in ${hood.mode} mode with ${ids.length} members`;
    const next = others.slice(0, options.successors);
    const before = [...others].reverse().slice(0, options.replicas);
    if (hood.successors.map(({ id }) => id).join() !== next.join()) return `${name} has other successors`;
    if (hood.predecessors.map(({ id }) => id).join() !== before.join())
      return `${name} has other predecessors`;
  }
  return undefined;
};

/** A key whose replicas don't hold the same; undefined if there is none. */
export const replicaDefect = (lives: readonly Life[], replicas: number): string | undefined => {
  const everything = { from: '0'.repeat(40) as Id, to: '0'.repeat(40) as Id };
  const keys = new Set(lives.flatMap(({ member }) => member.store.keysIn(everything)));
  for (const key of keys) {
    const order = clockwiseFrom(key);
    const holders = lives
      .flatMap(({ member }) => {
        const id = idOf(member);
        return id === undefined ? [] : [{ id, member }];
      })
      .sort((a, b) => (a.id === key ? -1 : b.id === key ? 1 : order(a.id, b.id)))
      .slice(0, replicas);
    const digests = holders.map(({ member }) => Buffer.from(member.store.digest(key) ?? []).toString('hex'));
    if (new Set(digests).size > 1)
      return `${key}: ${holders.map(({ member }, n) => `${member.name} ${digests[n]}`).join(', ')}`;
  }
  return undefined;
};
