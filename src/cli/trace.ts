// chordial trace: one lookup step by step, what each replica of the URI holds, and whether they agree.
import type { CommandModule } from 'yargs';
import { adminBinding } from '../admin/lookup.ts';
import type { Trace, TracedReplica, TraceStep } from '../lsp-client-types.ts';
import { systemClock } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import { withClient, withVia } from './client.ts';
import { CliError, EXIT } from './exit-code.ts';
import { peerName, peerRow } from './find.ts';
import { notFound } from './not-found.ts';
import { printJson, printLine, printTable } from './output.ts';

const inMs = (rttMs: number | undefined): string => (rttMs === undefined ? '-' : `${rttMs.toFixed(1)} ms`);
const rounded = (rttMs: number | undefined): number | null =>
  rttMs === undefined ? null : Math.round(rttMs * 100) / 100;

const stepSaid = ({ result, told }: TraceStep): string => {
  const names = told.map(peerName).join(', ');
  switch (result) {
    case 'replicas':
      return `held by ${names}`;
    case 'closer':
      return `closer: ${names}`;
    case 'timeout':
      return 'no answer';
    case 'error':
      return 'knows nobody closer';
  }
};

const answerSaid = (answer: TracedReplica, nowMs: number): string => {
  const { said, settled, bindings, unvouched } = answer;
  if (said === 'timeout') return 'no answer';
  if (said === 'none') return 'denies: it holds none';
  if (said !== 'entries') return said;
  if (bindings === undefined)
    return 'what it holds can not be checked: the domain’s key can not be looked up';
  const shown = bindings.map((one) => {
    const { contact, expiresSec } = adminBinding(one, nowMs);
    return `${contact} (${expiresSec} s)`;
  });
  if (unvouched > 0) shown.push(`${unvouched} signed by keys that nobody vouches for`);
  return `${shown.join(', ')}${settled ? '' : ' — not settled: there may be more'}`;
};

function printText(uri: string, trace: Trace): void {
  const nowMs = systemClock.wallMs();
  printLine(`${uri} has key ${trace.key}`);
  printTable(
    ['step', 'asked', 'address', 'rtt', 'said'],
    trace.steps.map((step) => [
      String(step.depth),
      peerName(step.asked),
      formatEndpoint(step.asked.endpoint),
      inMs(step.rttMs),
      stepSaid(step),
    ]),
  );
  printTable(
    ['replica', 'member', 'address', 'rtt', 'holds'],
    trace.answers.map((answer, index) => [
      index === 0 ? 'owner' : String(index + 1),
      peerName(answer.peer),
      formatEndpoint(answer.peer.endpoint),
      inMs(answer.rttMs),
      answerSaid(answer, nowMs),
    ]),
  );
  const silent = trace.answers.filter(({ bindings }) => bindings === undefined).length;
  const agreeing = trace.answers.length - silent;
  if (trace.differences.length > 0) printLine('the replicas differ:');
  else printLine(`${agreeing} of ${trace.answers.length} replicas answered, and agree`);
  for (const difference of trace.differences) printLine(`  ${difference}`);
}

const jsonOf = (uri: string, trace: Trace) => {
  const nowMs = systemClock.wallMs();
  const { result } = trace;
  return {
    uri,
    key: trace.key,
    roundTrips: trace.roundTrips,
    steps: trace.steps.map(({ asked, depth, rttMs, result: said, told }) => ({
      asked: peerRow(asked),
      depth,
      rttMs: rounded(rttMs),
      result: said,
      told: told.map(peerRow),
    })),
    replicas: trace.answers.map(({ peer, rttMs, said, settled, bindings, replicas }) => ({
      ...peerRow(peer),
      rttMs: rounded(rttMs),
      said,
      settled,
      bindings: bindings?.map((one) => adminBinding(one, nowMs)) ?? null,
      replicas: replicas ?? null,
    })),
    result: result.kind,
    bindings: result.kind === 'found' ? result.bindings.map((one) => adminBinding(one, nowMs)) : [],
    differences: trace.differences,
  };
};

export const traceCommand: CommandModule = {
  command: 'trace <uri>',
  describe: 'each step of a lookup, what every replica holds, and whether they agree',
  builder: (yargs) =>
    withVia(yargs.positional('uri', { type: 'string', describe: 'sip:bob@biloxi.example, xmpp:…, h323:…' })),
  handler: (argv) =>
    withClient(argv, undefined, async (client, config) => {
      const uri = String(argv['uri']);
      const trace = await client.trace(uri);
      if (argv['json'] === true) printJson(jsonOf(uri, trace));
      else if (trace.steps.length > 0) printText(uri, trace);
      const { result } = trace;
      if (result.kind === 'none') throw notFound(uri, result, config.trust);
      if (result.kind === 'timeout') throw new CliError(EXIT.unreachable, 'no replica answers');
      if (result.kind === 'unavailable') throw new CliError(EXIT.unreachable, result.reason);
    }),
};
