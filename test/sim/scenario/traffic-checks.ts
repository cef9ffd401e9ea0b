// Nobody sends more than it has reason to: what members ask of themselves by the half second, what they answer by what they
// were asked. A member that stood still for half a minute answers in one moment all that came meanwhile: that is no storm.
import type { Packet } from '../../../src/sim/sim-network.ts';
import { isAnswer, kindOf } from '../../../src/sim/sim-traffic.ts';

/** What one host asked of others between two looks. */
export interface Peak {
  readonly total: number;
  readonly byKind: Readonly<Record<string, number>>;
}

/** Requests of one host between two looks, of all kinds and of one. 142 and 62 are the most that seeds 1 to 200 show. */
const ASKED_MAX = 300;
const ASKED_OF_KIND_MAX = 150;
/** Datagrams in answer for each that was sent to a host: the parts of what is longer than the question. 1.2 was the most. */
const ANSWERS_PER_DATAGRAM = 2;
const ANSWERS_AT_ONCE = 64;

const add = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};

export class TrafficChecks {
  /** The busiest half second of anybody. */
  peak: Peak = { total: 0, byKind: {} };
  // BOUNDED: all by the hosts of the scenario and the kinds of message.
  readonly #asked = new Map<string, Map<string, number>>();
  readonly #answers = new Map<string, number>();
  readonly #received = new Map<string, number>();

  add({ from, to, bytes }: Packet): void {
    add(this.#received, to.host);
    if (isAnswer(bytes)) {
      add(this.#answers, from.host);
      return;
    }
    const kinds = this.#asked.get(from.host) ?? new Map<string, number>();
    this.#asked.set(from.host, kinds);
    add(kinds, kindOf(bytes));
  }

  /** What went beyond its bound since the last look. */
  look(): readonly string[] {
    const faults: string[] = [];
    for (const [host, kinds] of this.#asked) {
      const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
      if (total > this.peak.total) this.peak = { total, byKind: Object.fromEntries(kinds) };
      if (total > ASKED_MAX || Math.max(...kinds.values()) > ASKED_OF_KIND_MAX)
        faults.push(`${host} sent ${total} requests at once: ${JSON.stringify(Object.fromEntries(kinds))}`);
    }
    this.#asked.clear();
    for (const [host, answers] of this.#answers) {
      const received = this.#received.get(host) ?? 0;
      if (answers > ANSWERS_AT_ONCE + ANSWERS_PER_DATAGRAM * received)
        faults.push(`${host} sent ${answers} answers to ${received} datagrams`);
    }
    return faults;
  }
}
