// Messages to throw at a SIP server: corpus and captured ones, changed by bytes, by rows and by grammar, and some made up whole.
import type { SimRandom } from '../../src/sim/sim-random.ts';
import { corpusFolder } from '../support/corpus.ts';
import { madeUpMessage } from './made-up.ts';
import { HOSTILE_VALUES, SPICE } from './spice.ts';

/** Where a stream of mutated messages comes from: the same seed, the same messages. */
export interface Chance {
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
  pick<T>(items: readonly T[]): T;
  often(share: number): boolean;
  bytes(count: number): Uint8Array;
}

export const chanceOf = (random: SimRandom): Chance => {
  const below = (count: number): number => Math.floor(random.float() * count);
  return {
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    often: (share) => random.float() < share,
    bytes: (count) => random.bytes(count),
  };
};

const SEEDS: readonly string[] = (['rfc4475', 'rfc5118', 'rfc3665', 'real'] as const)
  .flatMap(corpusFolder)
  .map(({ bytes }) => Buffer.from(bytes).toString('latin1'));

const withBytesChanged = (text: string, chance: Chance): string => {
  let changed = text;
  for (let edits = 1 + chance.below(4); edits > 0; edits -= 1) {
    const at = chance.below(changed.length + 1);
    const cut = chance.often(0.4) ? chance.below(24) : chance.below(2);
    const put = chance.pick([
      () => String.fromCharCode(chance.below(256)),
      () => chance.pick(SPICE),
      () => changed.slice(at, at + chance.below(40)),
      () => '',
    ])();
    changed = changed.slice(0, at) + put + changed.slice(at + cut);
  }
  return chance.often(0.1) ? changed.slice(0, chance.below(changed.length + 1)) : changed;
};

interface Parts {
  readonly rows: string[];
  readonly body: string;
}

const partsOf = (text: string): Parts => {
  const end = text.indexOf('\r\n\r\n');
  return end < 0
    ? { rows: text.split('\r\n'), body: '' }
    : { rows: text.slice(0, end).split('\r\n'), body: text.slice(end + 4) };
};

const COMPACT: readonly (readonly [long: string, short: string])[] = [
  ['Via', 'v'],
  ['From', 'f'],
  ['To', 't'],
  ['Call-ID', 'i'],
  ['Contact', 'm'],
  ['Content-Length', 'l'],
  ['Supported', 'k'],
];

/** One change of the kind that a broken or hostile sender makes to whole rows. */
const changeRows = (rows: string[], chance: Chance): void => {
  const at = chance.below(rows.length);
  const row = rows[at] ?? '';
  const colon = row.indexOf(':');
  const name = colon < 0 ? row : row.slice(0, colon);
  switch (chance.below(9)) {
    case 0:
      rows.splice(at, 0, row);
      return;
    case 1:
      rows.splice(at, 1);
      return;
    case 2:
      rows.splice(chance.below(rows.length), 0, ...rows.splice(at, 1));
      return;
    case 3:
      rows.splice(at, 0, chance.pick(partsOf(chance.pick(SEEDS)).rows));
      return;
    case 4:
      rows[at] = row.replace(/ /g, chance.pick(['\r\n ', '\r\n\t', '  ', '\t']));
      return;
    case 5:
      rows[at] = `${name}: ${chance.pick(HOSTILE_VALUES)}`;
      return;
    case 6:
      rows[at] =
        `${row}${chance.pick([';', ',', ';a', ';tag=x', ', <sip:a@b>', ';branch=z9hG4bK', ' ', '"', '\\'])}`;
      return;
    case 7: {
      const short = COMPACT.find(([long]) => long === name)?.[1];
      rows[at] = short === undefined ? row.toUpperCase() : short + row.slice(colon);
      return;
    }
    default:
      rows[at] = row.repeat(2 + chance.below(chance.often(0.05) ? 400 : 4));
  }
};

const withRowsChanged = (text: string, chance: Chance): string => {
  const { rows, body } = partsOf(text);
  for (let edits = 1 + chance.below(3); edits > 0 && rows.length > 0; edits -= 1) changeRows(rows, chance);
  return `${rows.join('\r\n')}\r\n\r\n${body}`;
};

const crossed = (chance: Chance): string => {
  const [head, tail] = [chance.pick(SEEDS), chance.pick(SEEDS)];
  return head.slice(0, chance.below(head.length)) + tail.slice(chance.below(tail.length));
};

/** A transaction and a call of its own, so that the server doesn't take it for a repetition. */
const freshened = (text: string, chance: Chance): string =>
  text
    .replace(/branch=z9hG4bK[\w.-]*/, () => `branch=z9hG4bK${chance.below(2 ** 32).toString(36)}`)
    .replace(/^(Call-ID|i): *(\S+)/im, (_row, name: string, id: string) =>
      chance.often(0.5) ? `${name}: ${id}${chance.below(2 ** 32).toString(36)}` : `${name}: ${id}`,
    );

/** A Content-Length that fits: a message whose frame is broken is looked at no further. */
const measured = (text: string): string => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return text;
  return text.replace(/^(Content-Length|l) *: *[^\r]*/im, `$1: ${text.length - end - 4}`);
};

/** The next message; of some of them a stranger could not say that they were meant to be SIP. */
export const nextMessage = (chance: Chance): Uint8Array => {
  const kind = chance.below(100);
  if (kind < 4) return chance.bytes(1 + chance.below(1400));
  const text =
    kind < 12
      ? chance.pick(SEEDS)
      : kind < 37
        ? withBytesChanged(chance.pick(SEEDS), chance)
        : kind < 60
          ? withRowsChanged(chance.pick(SEEDS), chance)
          : kind < 64
            ? crossed(chance)
            : kind < 84
              ? madeUpMessage(chance)
              : withBytesChanged(madeUpMessage(chance), chance);
  const fresh = chance.often(0.85) ? freshened(text, chance) : text;
  return Buffer.from(chance.often(0.8) ? measured(fresh) : fresh, 'latin1');
};
