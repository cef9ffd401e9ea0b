// The matrix of docs/phones.md: what each phone is put through, and how the table of what was seen is written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from './agents.ts';

const PAGE = join(import.meta.dirname, '../../../docs/phones.md');
const START = '<!-- matrix: written by test/phones/matrix.test.ts -->\n';
const END = '<!-- end of the matrix -->\n';

/** The phone under test, and a baresip of another domain that it talks to. */
export interface Pair {
  readonly agent: Agent;
  readonly partner: Agent;
}

/** What a person does with the two; the answer is the cell of the table. Rejects if it isn't so. */
export type Deed = (pair: Pair) => Promise<string>;

const marks = ({ agent, partner }: Pair): { agent: number; partner: number } => ({
  agent: agent.mark,
  partner: partner.mark,
});

const calls: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await agent.call(partner.aor);
  await partner.incoming(at.partner);
  partner.accept();
  await Promise.all([agent.established(at.agent), partner.established(at.partner)]);
  agent.hangUp();
  await Promise.all([partner.ended(at.partner), agent.ended(at.agent)]);
  return 'yes';
};

export const isCalled: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await partner.call(agent.aor);
  await agent.incoming(at.agent);
  agent.accept();
  await Promise.all([agent.established(at.agent), partner.established(at.partner)]);
  partner.hangUp();
  await Promise.all([partner.ended(at.partner), agent.ended(at.agent)]);
  return 'yes';
};

const cancels: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await agent.call(partner.aor);
  await Promise.all([partner.incoming(at.partner), agent.ringing(at.agent)]);
  agent.hangUp();
  await Promise.all([partner.ended(at.partner), agent.ended(at.agent)]);
  return 'yes';
};

const isCancelled: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await partner.call(agent.aor);
  await Promise.all([agent.incoming(at.agent), partner.ringing(at.partner)]);
  partner.hangUp();
  await Promise.all([partner.ended(at.partner), agent.ended(at.agent)]);
  return 'yes';
};

/** The caller is told so: the cell is the answer that reached it. */
const isBusy: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await partner.call(agent.aor);
  await agent.incoming(at.agent);
  agent.reject();
  const [told] = await Promise.all([partner.ended(at.partner), agent.ended(at.agent)]);
  const answer = /\b(486|603) [A-Z][A-Za-z ]+/.exec(String(told));
  if (answer === null) throw new Error(`the caller was told ${String(told)}`);
  return answer[0];
};

/** A phone that listens nowhere: only the connection that it opened reaches it, and callers are sent to its far end. */
const cannotBeReached: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await partner.call(agent.aor);
  await partner.ended(at.partner);
  if (agent.told(/INVITE/, at.agent)) throw new Error('the call came through');
  return 'no: listens nowhere';
};

/** What such a phone can't do. */
export const LISTENS_NOWHERE = {
  'is called': cannotBeReached,
  'its caller cancels': cannotBeReached,
  'is busy': cannotBeReached,
} as const;

/** A phone that takes a redirection for a refusal. */
const doesNotFollow: Deed = async (pair) => {
  const { agent, partner } = pair;
  const at = marks(pair);
  await agent.call(partner.aor);
  await agent.ended(at.agent);
  if (!agent.told(/\b302\b/, at.agent)) throw new Error('it ended its call for another reason than the 302');
  return 'no: follows no 302';
};

/** What such a phone can't do. */
export const FOLLOWS_NO_302 = { calls: doesNotFollow, 'cancels its call': doesNotFollow } as const;

/** The columns between "registers" and "comes back", in the order in which they are tried. */
export const DEEDS = {
  calls,
  'is called': isCalled,
  'cancels its call': cancels,
  'its caller cancels': isCancelled,
  'is busy': isBusy,
} as const satisfies Record<string, Deed>;

export type DeedName = keyof typeof DEEDS;

export interface Row {
  readonly agent: string;
  readonly transport: string;
  /** By column; what the run saw. */
  readonly seen: ReadonlyMap<string, string>;
}

export const COLUMNS = ['registers', ...Object.keys(DEEDS), 'comes back'] as const;

export function tableOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const head = ['agent', 'transport', ...COLUMNS];
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(({ agent, transport, seen }) =>
      line([agent, transport.toUpperCase(), ...COLUMNS.map((column) => seen.get(column) ?? '**not seen**')]),
    ),
  ].join('');
}

/** The table that stands in the page. */
export function pageTable(): string {
  const page = readFileSync(PAGE, 'utf8');
  return page.slice(page.indexOf(START) + START.length, page.indexOf(END));
}

export function writePage(table: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const head = page.slice(0, page.indexOf(START) + START.length);
  writeFileSync(PAGE, `${head}${table}${page.slice(page.indexOf(END))}`);
}
