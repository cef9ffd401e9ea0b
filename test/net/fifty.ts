// npx tsx test/net/fifty.ts [--nodes 50] [--users 1000] [--at-once 10] [--delay MS] [--jitter MS] [--loss SHARE] [--netns] [--nfdelay PATH]
// Real processes on loopback (127.77.x.y) or each in a network namespace of its own (needs root): join, churn, SIGKILL of
// several, partition, heal, with every lookup checked. Prints a table; exits 1 if anything acknowledged was denied or wrong.
import { parseArgs } from 'node:util';
import { Fleet } from './fleet.ts';
import { createNamespaces } from './namespaces.ts';
import { headerRow, phaseRow, runScenario } from './scenario.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '50' },
    users: { type: 'string', default: '1000' },
    'at-once': { type: 'string', default: '10' },
    lanes: { type: 'string', default: '8' },
    delay: { type: 'string', default: '0' },
    jitter: { type: 'string', default: '0' },
    loss: { type: 'string', default: '0' },
    netns: { type: 'boolean', default: false },
    nfdelay: { type: 'string' },
  },
});
const nodes = Number(values.nodes);
const line = { delayMs: Number(values.delay), jitterMs: Number(values.jitter), loss: Number(values.loss) };

const loopback = (index: number): string => `127.77.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;
const net = values.netns ? await createNamespaces(nodes, { line, nfdelay: values.nfdelay }) : undefined;
const inKernel = net !== undefined && values.nfdelay !== undefined;
const fleet = new Fleet({
  ...(inKernel ? {} : { line }),
  ...(net === undefined ? {} : { namespaceOf: net.namespaceOf }),
});

const end = async (): Promise<void> => {
  await fleet.end();
  await net?.remove();
};
process.once('SIGINT', () => void end().then(() => process.exit(130)));

const where = net === undefined ? 'loopback' : `network namespaces${inKernel ? ', line by nfdelay' : ''}`;
process.stdout.write(
  `${nodes} processes, ${where}; delay ${line.delayMs}+${line.jitterMs} ms, loss ${100 * line.loss} % each way\n\n${headerRow()}`,
);
try {
  const { wrong, outdated } = await runScenario(
    fleet,
    {
      nodes,
      atOnce: Number(values['at-once']),
      users: Number(values.users),
      churn: Math.max(1, Math.round(nodes / 10)),
      killed: Math.max(1, Math.round(nodes / 10)),
      cutOff: Math.max(1, Math.round(nodes / 5)),
      cutMs: 30_000,
      lanes: Number(values.lanes),
      pauseMs: 20,
      hostOf: net?.hostOf ?? loopback,
      ...(net === undefined ? {} : { partition: net.partition }),
      observer: net?.observer ?? '127.0.0.1',
      random: Math.random,
      limitMs: 300_000,
    },
    (phase) => process.stdout.write(phaseRow(phase)),
  );
  const states = await fleet.states();
  const sum = (of: (state: (typeof states)[number]) => number): number =>
    states.reduce((total, state) => total + of(state), 0);
  process.stdout.write(
    `\na member, at the end: ${(sum(({ rssMb }) => rssMb) / states.length).toFixed(0)} MB resident, ` +
      `${(sum(({ cpuMs }) => cpuMs) / states.length / 1000).toFixed(1)} s of CPU since its start\n` +
      `denied or wrong: ${wrong.length}\n${wrong.slice(0, 20).join('\n')}\n` +
      `an earlier contact, told by one replica alone: ${outdated.length}\n${outdated.slice(0, 20).join('\n')}\n`,
  );
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  await end();
}
