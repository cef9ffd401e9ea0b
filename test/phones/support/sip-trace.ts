// SIP messages in a program's own trace: which there were, with the headers the tests look at.

export interface TracedMessage {
  /** `INVITE sip:bob@… SIP/2.0` or `SIP/2.0 200 OK` */
  readonly start: string;
  /** Values of a header, in order, one a row. */
  header(name: string): readonly string[];
}

export type SipTrace = readonly TracedMessage[];

const START = /^(?:SIP\/2\.0 \d{3} .*|[A-Z]+ (?:sips?|tel):\S+ SIP\/2\.0)$/;

/** A message is a start line and the rows up to the next empty line. */
export function traceOf(lines: readonly string[]): SipTrace {
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

/** Requests of a method, first to last. */
export const requestsOf = (trace: SipTrace, method: string): SipTrace =>
  trace.filter(({ start }) => start.startsWith(`${method} `));
