// chordial ring: who is in the ring, what each owns and holds, and whether the ring is one.
import type { CommandModule } from 'yargs';
import type { RingFinding, RingWalk } from '../dht/index.ts';
import type { LspClient } from '../lsp-client.ts';
import { delay, systemClock } from '../runtime/clock.ts';
import { withClient, withVia } from './client.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine, printTable } from './output.ts';
import { startProgress } from './progress.ts';
import { RING_HEAD, ringCells, ringRows } from './ring-table.ts';

const LOOKS = 3;
/** A death is found within 8 s, and the news of it takes a moment. */
const PAUSE_MS = 4000;
/** What is left out of the text is in the JSON document. */
const SHOWN_MAX = 40;

interface Look {
  readonly walk: RingWalk;
  /** What was found every time. */
  readonly problems: readonly RingFinding[];
}

/** Asks the whole ring, and again while something doesn't fit: a ring that is just changing is not broken. */
async function look(client: LspClient, looks: number): Promise<Look> {
  const { lastingFindings } = await import('../dht/index.ts');
  const progress = startProgress('members asked');
  try {
    const walks: RingWalk[] = [];
    for (;;) {
      const walk = await client.members({ onProgress: (asked, known) => progress.update(asked, known) });
      walks.push(walk);
      const problems = lastingFindings(walks.map(({ findings }) => findings));
      if (problems.length === 0 || walks.length >= looks) return { walk, problems };
      progress.update(walks.length, looks, 'looks: something does not fit, asking again');
      await delay(systemClock, PAUSE_MS);
    }
  } finally {
    progress.end();
  }
}

/** What isn't wrong, but worth knowing. */
function notesOn({ members }: RingWalk): readonly string[] {
  const versions = new Map<string, number>();
  for (const { status } of members) versions.set(status.version, (versions.get(status.version) ?? 0) + 1);
  const fetching = members.filter(({ status }) => status.settled === false).length;
  return [
    ...(versions.size < 2 ? [] : [`versions: ${[...versions].map(([v, n]) => `${v} (${n})`).join(', ')}`]),
    ...(fetching === 0 ? [] : [`${fetching} of ${members.length} still fetch what they should hold`]),
  ];
}

function printText(
  rows: ReturnType<typeof ringRows>,
  notes: readonly string[],
  problems: readonly string[],
): void {
  printTable(RING_HEAD, rows.map(ringCells));
  printLine(problems.length === 0 ? `one ring of ${rows.length}` : `${problems.length} broken:`);
  for (const problem of problems.slice(0, SHOWN_MAX)) printLine(`  ${problem}`);
  if (problems.length > SHOWN_MAX) printLine(`  and ${problems.length - SHOWN_MAX} more (--json has all)`);
  for (const note of notes) printLine(note);
}

export const ringCommand: CommandModule = {
  command: 'ring',
  describe: 'the members of the ring, and whether its invariants hold',
  builder: (yargs) =>
    withVia(yargs).option('looks', {
      type: 'number',
      requiresArg: true,
      default: LOOKS,
      describe: 'how often a ring that is not in order is asked before it is called broken',
    }),
  handler: (argv) => {
    const looks = Number(argv['looks']);
    if (!(Number.isInteger(looks) && looks >= 1 && looks <= 10))
      throw new CliError(EXIT.usage, '--looks is a whole number from 1 to 10');
    return withClient(argv, undefined, async (client) => {
      const { walk, problems } = await look(client, looks);
      const texts = problems.map(({ text }) => text);
      if (walk.members.length === 0)
        throw new CliError(EXIT.unreachable, 'no member of the overlay answered');
      const changing = walk.findings.filter((one) => !problems.includes(one)).map(({ text }) => text);
      const notes = notesOn(walk);
      const rows = ringRows(walk.members);
      if (argv['json'] === true) printJson({ members: rows, problems: texts, changing, notes });
      else {
        const moving = changing.length === 0 ? [] : [`${changing.length} things were just changing`];
        printText(rows, [...moving, ...notes], texts);
      }
      if (texts.length > 0) throw new CliError(EXIT.failed, 'the ring is not in order');
    });
  },
};
