// npx tsx test/net/rolling.ts [--registrars 15] [--users 500] [--lanes 3]: whole registrars as processes, each restarted once
// at new ports, under load. Prints what happened; exits 1 if a call or lookup failed or a binding was lost.
import { parseArgs } from 'node:util';
import { figuresText, rollingRestart } from './rolling-restart.ts';

const { values } = parseArgs({
  options: {
    registrars: { type: 'string', default: '15' },
    users: { type: 'string', default: '500' },
    lanes: { type: 'string', default: '3' },
  },
});
// One listener a process that is to be ended with this one.
process.setMaxListeners(0);
const figures = await rollingRestart({
  registrars: Number(values.registrars),
  users: Number(values.users),
  lanes: Number(values.lanes),
  pauseMs: 20,
  restMs: 1000,
  limitMs: 120_000,
});
process.stdout.write(`${figuresText(figures)}\n`);
process.exitCode = figures.failed.length + figures.lost.length > 0 ? 1 : 0;
