// What somebody who asks the admin server for a SIP trace wants to see, and for how long.
import { createAddressRanges, isAddressRange } from '../runtime/address-ranges.ts';
import type { HttpReply, HttpStream } from '../runtime/http.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { failure } from './replies.ts';

interface Wanted {
  /** An address of record in canonical form, or the addresses that a source may have. */
  readonly filter:
    | { readonly kind: 'aor'; readonly name: string }
    | { readonly kind: 'source'; readonly holds: (host: string) => boolean };
  /** The filter in words. */
  readonly what: string;
  readonly seconds: number;
  readonly bytesMax: number;
}

export interface SipTraceDeps {
  /** Writes what is wanted into `sink` until it ends; undefined if too many do already. The function ends it early. */
  readonly start: (
    trace: Wanted & { readonly sink: Pick<HttpStream, 'write' | 'end'> },
  ) => (() => void) | undefined;
  /** Would another one be too many? */
  readonly full: () => boolean;
  /** The canonical address of record that a URI stands for. */
  readonly nameOf: (uri: string) => string | undefined;
}

const URI_CHARS_MAX = 1024;
const SECONDS = { default: 600, max: 86_400 } as const;
/** 100 MB are some 100,000 messages. */
const BYTES = { default: 100_000_000, max: 2_000_000_000 } as const;

const numberIn = (
  text: string | null,
  bounds: { readonly default: number; readonly max: number },
): number | undefined => {
  if (text === null) return bounds.default;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= bounds.max ? value : undefined;
};

/** The query of a request as a trace, or in words what is wrong with it. */
export const readTraceQuery = (query: URLSearchParams, nameOf: SipTraceDeps['nameOf']): Result<Wanted> => {
  const [aor, source] = [query.get('aor'), query.get('source')];
  const seconds = numberIn(query.get('seconds'), SECONDS);
  const bytesMax = numberIn(query.get('bytesMax'), BYTES);
  if (seconds === undefined) return fail(`seconds is a number from 1 to ${SECONDS.max}`);
  if (bytesMax === undefined) return fail(`bytesMax is a number from 1 to ${BYTES.max}`);
  if ((aor === null) === (source === null))
    return fail('say whose messages: aor=sip:bob@biloxi.com, or source=192.0.2.4 (or a range)');
  if (source !== null) {
    if (!isAddressRange(source)) return fail('source is an address or a range such as 192.0.2.0/24');
    return ok({
      filter: { kind: 'source', holds: createAddressRanges([source]) },
      what: source,
      seconds,
      bytesMax,
    });
  }
  const given = aor ?? '';
  const name =
    given.length > URI_CHARS_MAX ? undefined : nameOf(/^sips?:/i.test(given) ? given : `sip:${given}`);
  return name === undefined
    ? fail('aor is a SIP URI with a user, such as sip:bob@biloxi.com')
    : ok({ filter: { kind: 'aor', name }, what: name, seconds, bytesMax });
};

/** Answers with a capture that goes on until its time is over or its reader goes away. */
export const sipTraceReply = (query: URLSearchParams, { start, full, nameOf }: SipTraceDeps): HttpReply => {
  const wanted = readTraceQuery(query, nameOf);
  if (!wanted.ok) return failure(400, 'trace-invalid', wanted.error);
  if (full()) return failure(503, 'busy', 'too many traces at once', { 'Retry-After': '10' });
  return {
    status: 200,
    contentType: 'application/vnd.tcpdump.pcap',
    body: (stream) => {
      const stop = start({ ...wanted.value, sink: stream });
      if (stop === undefined) stream.end();
      else stream.onClose(stop);
    },
  };
};
