// Looks at the lists of all real members whenever one of them changes, with the truth about who lives: Zave's invariant.

import type { RingNode, SimRing } from './sim-ring.ts';
import { type Broken, broken } from './zave-invariant.ts';
import { mayFail, type Place, type Ring, ZAVE } from './zave-model.ts';

export class ZaveWatch {
  readonly #ring: SimRing;
  readonly #r: number;
  /** BOUNDED: by the test. What was broken, when. */
  readonly broken: { readonly what: Broken; readonly atMs: number }[] = [];
  looks = 0;

  constructor(ring: SimRing, r: number) {
    this.#ring = ring;
    this.#r = r;
  }

  /** From now on every change of this node's lists is looked at. */
  watch(node: RingNode): void {
    node.ring.onChange(() => this.look());
  }

  look(): void {
    this.looks += 1;
    const what = broken(this.truth().ring, this.#r);
    if (what !== undefined) this.broken.push({ what, atMs: this.#ring.world.nowMs });
  }

  /** "FAIL: allowed only under (b), (c)", by the truth of this moment. */
  mayKill(name: string): boolean {
    const { ring, placeOf } = this.truth();
    const place = placeOf(this.#ring.node(name).ring.self.id);
    return place !== undefined && mayFail(ring, place, { ...ZAVE, r: this.#r });
  }

  /** Everybody alive and joined, by the rank of their ids among all that are listed anywhere. */
  truth(): { readonly ring: Ring; readonly placeOf: (id: string) => Place | undefined } {
    const members = this.#ring.alive.filter(({ ring }) => ring.joined);
    const listed = members.flatMap(({ ring }) => [
      ring.self,
      ...ring.neighbourhood.successors,
      ...ring.neighbourhood.predecessors,
    ]);
    const ids = [...new Set(listed.map(({ id }) => id))].sort();
    const places = new Map<string, Place>(ids.map((id, place) => [id, place]));
    const byId = new Map(members.map((node) => [node.ring.self.id, node.ring.neighbourhood]));
    const toPlace = (id: string): Place => places.get(id) ?? -1;
    const ring = ids.map((id) => {
      const lists = byId.get(id);
      if (lists === undefined) return undefined;
      return {
        succ: lists.successors.slice(0, this.#r).map((peer) => toPlace(peer.id)),
        prdc: lists.predecessors[0] === undefined ? undefined : toPlace(lists.predecessors[0].id),
        doing: { what: 'nothing' as const },
      };
    });
    return { ring, placeOf: (id) => places.get(id) };
  }
}
