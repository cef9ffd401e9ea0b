// The one queue of the simulated world: a binary heap ordered by (time, sequence), so equal times keep their order.

export interface SimEvent {
  readonly atMs: number;
  readonly seq: number;
  /** False: cancelled, or of a process that died. */
  readonly due: () => boolean;
  readonly run: () => void;
}

const always = (): boolean => true;

const before = (a: SimEvent, b: SimEvent): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);

export class EventQueue {
  // BOUNDED: by the timers and datagrams under way in the simulated world; a simulation is as large as its author makes it.
  readonly #heap: SimEvent[] = [];
  #seq = 0;

  push(atMs: number, run: () => void, due: () => boolean = always): SimEvent {
    const event: SimEvent = { atMs, seq: this.#seq, due, run };
    this.#seq += 1;
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
    return event;
  }

  get size(): number {
    return this.#heap.length;
  }

  peek(): SimEvent | undefined {
    return this.#heap[0];
  }

  pop(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const child = right !== undefined && before(right, left) ? 2 * index + 2 : 2 * index + 1;
      const least = child === 2 * index + 1 ? left : right;
      if (least === undefined || before(last, least)) break;
      heap[index] = least;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}
