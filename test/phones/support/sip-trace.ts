// SIP messages in a program's own trace: which there were, with the headers the tests look at.
import type { Program } from './program.ts';

export interface TracedMessage {
  /** `INVITE sip:bob@… SIP/2.0` or `SIP/2.0 200 OK` */
  readonly start: string;
  /** Values of a header, in order, one a row. */
  header(name: string): readonly string[];
}

const START = /^(?:SIP\/2\.0 \d{3} .*|[A-Z]+ (?:sips?|tel):\S+ SIP\/2\.0)$/;

/** A message is a start line and the rows up to the next empty line. */
function traceOf(lines: readonly string[]): TracedMessage[] {
  const messages: TracedMessage[] = [];
  lines.forEach((line, index) => {
    const start = line.trim();
    if (!START.test(start)) return;
    const end = lines.findIndex((row, at) => at > index && row.trim() === '');
    const rows = lines.slice(index + 1, end === -1 ? undefined : end);
    messages.push({
      start,
      header: (name) =>
        rows
          .filter((row) => row.toLowerCase().startsWith(`${name.toLowerCase()}:`))
          .map((row) => row.slice(name.length + 1).trim()),
    });
  });
  return messages;
}

/** Requests of a method that the program sent or got until now, first to last. */
export const requestsOf = (program: Program, method: string): TracedMessage[] =>
  traceOf(program.lines).filter(({ start }) => start.startsWith(`${method} `));

/** The first request of a method, once the program has told of it to its last header. */
export async function firstRequest(program: Program, method: string): Promise<TracedMessage> {
  const start = new RegExp(`^${method} \\S+ SIP/2\\.0\\s*$`);
  await program.line(start);
  await program.line(/^\s*$/, { mark: program.lines.findIndex((line) => start.test(line)) });
  const [request] = requestsOf(program, method);
  if (request === undefined) throw new Error(`no ${method} in the trace of ${program.name}`);
  return request;
}
