// Faults in what members are told of each other, and in how reads bring copies level.
import type { Mutation } from './mutation.ts';

export const EVENT_MUTATIONS: readonly Mutation[] = [
  {
    name: 'leave-believed-of-a-neighbour',
    file: 'src/dht/ring-events.ts',
    text: '    else if (core.isExact(id)) this.#doubt(event);\n    else core.untell(id);',
    replacement:
      "    else {\n      const peer = core.table.get(id)?.peer;\n      if (peer === undefined) core.untell(id);\n      else core.bury(peer, 'left');\n    }",
    tests: ['test/sim/dht/events-lists.test.ts'],
    why: 'anybody could take members out of the lists that decide who holds which key',
  },
  {
    name: 'event-carried-on-unverified',
    file: 'src/dht/ring-events.ts',
    text: '    if (!(await this.#isNews(event)) ||',
    replacement:
      '    const news = await this.#isNews(event);\n    if (!news && until !== core.self.id) this.#hold({ event, until, from: core.self.id });\n    if (!news ||',
    tests: ['test/sim/dht/events-lists.test.ts'],
    why: 'one lie would cost every member a datagram and a look-up of a key',
  },
  {
    name: 'joiner-told-of-unvouched',
    file: 'src/dht/ring-events.ts',
    text: "    return (await this.#live.vouched(peer)) === 'yes';",
    replacement: '    return true;',
    tests: ['test/sim/dht/onehop.test.ts'],
    only: 'a join event whose key no domain vouches for',
    why: 'a descriptor of any id can be signed by anybody: only the domain says whose key it is',
  },
  {
    name: 'events-by-anybody',
    file: 'src/dht/ring-events.ts',
    text: "    if (!known && (await this.#live.vouched(peer)) !== 'yes') return false;",
    replacement: '',
    tests: ['test/sim/dht/onehop.test.ts'],
    only: 'whoever is vouched for by nobody',
    why: 'whoever speaks in the ring is a member of a domain that can be named',
  },
  {
    name: 'outliving-an-impossible-life',
    file: 'src/dht/membership.ts',
    text: 'claimed - known <= LIFE_STEP_MAX;',
    replacement: 'claimed - known <= Infinity;',
    tests: ['test/sim/dht/events-hostile.test.ts', 'test/unit/dht/membership.test.ts'],
    why: 'nobody comes back with a life above the highest number there is',
  },
  {
    name: 'no-coming-back',
    file: 'src/dht/ring-return.ts',
    text: '    core.reincarnate(',
    replacement: '    void (',
    tests: ['test/sim/dht/onehop.test.ts'],
    only: 'a false leave event is refuted',
    why: 'whoever was told to be gone stays unknown to those that believe it',
  },
  {
    name: 'told-goes-into-the-list',
    file: 'src/dht/ring-events.ts',
    text: "    if (event.kind === 'join') core.tell(event.peer);",
    replacement:
      "    if (event.kind === 'join') {\n      core.tell(event.peer);\n      const { successors, predecessors } = core.neighbourhood;\n      if (between(core.self.id, id, successors[0]?.id ?? id)) core.setLists({ successors: [event.peer, ...successors], predecessors });\n    }",
    tests: ['test/sim/dht/events-lists.test.ts'],
    why: '"never adopt an unanswered pointer", whoever handed it on',
  },
  {
    name: 'unchanged-from-an-earlier-life',
    file: 'src/dht/ring-stabilise.ts',
    text: '    return id === this.#core.self.id && bootSequence === this.#core.self.bootSequence;',
    replacement: '    return id === this.#core.self.id && bootSequence > 0;',
    tests: ['test/unit/dht/ring-stabilise.test.ts'],
    why: 'a neighbour that still holds our old life, which it may have buried, would renew our lease',
  },
  {
    name: 'no-read-repair',
    file: 'src/dht/read.ts',
    text: 'if (!settled && lacking.length > 0)',
    replacement: 'if (!settled && lacking.length > Infinity)',
    tests: ['test/sim/dht/overlay-disagreement.test.ts'],
    only: 'has it put back at once',
    why: 'a copy that is missing would stay so until the next comparison of digests',
  },
  {
    name: 'one-answer-is-enough',
    file: 'src/dht/quorum.ts',
    text: 'return answers >= Math.max(1, Math.min(2, n)) ?',
    replacement: 'return answers >= Math.min(1, n) ?',
    tests: ['test/unit/dht/quorum.test.ts', 'test/unit/dht/read.test.ts'],
    why: '"A single answer is used only when the others don\'t come": it may be of before the last refresh',
  },
];
