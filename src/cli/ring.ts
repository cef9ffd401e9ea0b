// chordial ring: who is in the ring, what each owns and holds, and whether the ring is one.
import type { CommandModule } from 'yargs';
import { distance } from '../record/id.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import { withClient, withVia } from './client.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine, printTable } from './output.ts';

export const ringCommand: CommandModule = {
  command: 'ring',
  describe: 'the members of the ring, and whether its invariants hold',
  builder: withVia,
  handler: (argv) =>
    withClient(argv, undefined, async (client) => {
      const { members, problems } = await client.members();
      if (members.length === 0) throw new CliError(EXIT.unreachable, 'no member of the overlay answered');
      const rows = members.map(({ peer, endpoint, rttMs, status, sizeEstimate }, index) => {
        const before = members[(index + members.length - 1) % members.length]?.peer.id ?? peer.id;
        return {
          id: peer.id,
          domain: peer.domain,
          selector: peer.selector,
          address: formatEndpoint(endpoint),
          arc: status.arc ?? null,
          ownsPercent: (members.length === 1 ? 1 : distance(before, peer.id)) * 100,
          keys: status.keys,
          entries: status.entries,
          rttMs: Math.round(rttMs * 100) / 100,
          mode: status.mode,
          ready: status.ready,
          version: status.version,
          uptimeSec: status.uptimeSec,
          sizeEstimate,
        };
      });
      if (argv['json'] === true) printJson({ members: rows, problems });
      else {
        printTable(
          ['id', 'domain', 'sel', 'address', 'owns', 'keys', 'entries', 'rtt', 'size', 'version', 'state'],
          rows.map((row) => [
            row.id.slice(0, 8),
            row.domain,
            String(row.selector),
            row.address,
            `${row.ownsPercent.toFixed(1)} %`,
            String(row.keys),
            String(row.entries),
            `${row.rttMs.toFixed(1)} ms`,
            row.sizeEstimate.toFixed(1),
            row.version,
            row.ready ? row.mode : 'not ready',
          ]),
        );
        printLine(problems.length === 0 ? `one ring of ${members.length}` : `${problems.length} broken:`);
        for (const problem of problems) printLine(`  ${problem}`);
      }
      if (problems.length > 0) throw new CliError(EXIT.failed, 'the ring is not in order');
    }),
};
