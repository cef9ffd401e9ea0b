// Who sent how much of what: datagrams and bytes by host and kind of message, read from the frames as they go by.
import { COOKIE_BYTES, HEADER_BYTES } from '../dht/frame.ts';
import { SIGNATURE_BYTES } from '../record/identity.ts';
import type { Packet } from './sim-network.ts';

export interface Amount {
  datagrams: number;
  bytes: number;
}

// docs/lsp.md, "Messages": the place of a word is its code.
const REQUESTS =
  '- ping find query publish join notify neighbours leave sync status probe events table'.split(' ');
const ANSWERS =
  '- pong probed found held published joined around ok synced report error unchanged page changed'.split(' ');

const KIND_AT = 4;
const FLAGS_AT = 5;
const PART_AT = 22;
const COUNT_AT = 23;
const ANSWER = 1;
const COOKIE = 2;
const SIGNED = 4;
const BITMAP = 8;

export const isAnswer = (bytes: Uint8Array): boolean => ((bytes[FLAGS_AT] ?? 0) & ANSWER) !== 0;

/** The kind of message in a datagram; of a message in parts only the first part shows it, the others are `part`. */
export const kindOf = (bytes: Uint8Array): string => {
  const flags = bytes[FLAGS_AT] ?? 0;
  if (bytes[KIND_AT] !== 0) return 'challenge';
  if ((flags & BITMAP) !== 0) return 'bitmap';
  if ((bytes[PART_AT] ?? 0) > 0) return 'part';
  const cookie = (flags & COOKIE) === 0 ? 0 : COOKIE_BYTES;
  const signature = (flags & SIGNED) === 0 ? 0 : SIGNATURE_BYTES;
  // A CBOR map whose first key is 0, the type; an empty body asks for a cookie.
  const code = bytes[HEADER_BYTES + cookie + signature + 2];
  if (bytes[HEADER_BYTES - 1] === 0 && bytes[HEADER_BYTES - 2] === 0) return 'cookie request';
  if (code === undefined) return 'other';
  if (isAnswer(bytes)) return ANSWERS[code] ?? `answer ${code}`;
  return REQUESTS[code] ?? `request ${code}`;
};

export class SimTraffic {
  // BOUNDED: both by the hosts of the simulation and the kinds of message.
  readonly #byHost = new Map<string, Map<string, Amount>>();
  /** Of the last message in parts that each host began: all its parts are sent in one go. BOUNDED: by the hosts. */
  readonly #inParts = new Map<string, string>();

  add({ from, bytes }: Packet): void {
    let kinds = this.#byHost.get(from.host);
    if (kinds === undefined) {
      kinds = new Map();
      this.#byHost.set(from.host, kinds);
    }
    const shown = kindOf(bytes);
    if ((bytes[COUNT_AT] ?? 0) > 1 && shown !== 'part' && shown !== 'bitmap')
      this.#inParts.set(from.host, shown);
    const kind = shown === 'part' ? (this.#inParts.get(from.host) ?? shown) : shown;
    const amount = kinds.get(kind);
    if (amount === undefined) kinds.set(kind, { datagrams: 1, bytes: bytes.length });
    else {
      amount.datagrams += 1;
      amount.bytes += bytes.length;
    }
  }

  /** What one host sent, or all of them together. */
  sent(host?: string): { readonly total: Amount; readonly byKind: ReadonlyMap<string, Amount> } {
    const total = { datagrams: 0, bytes: 0 };
    const byKind = new Map<string, Amount>();
    const chosen =
      host === undefined ? [...this.#byHost.values()] : [this.#byHost.get(host) ?? new Map<string, Amount>()];
    for (const kinds of chosen)
      for (const [kind, { datagrams, bytes }] of kinds) {
        const sum = byKind.get(kind) ?? { datagrams: 0, bytes: 0 };
        byKind.set(kind, { datagrams: sum.datagrams + datagrams, bytes: sum.bytes + bytes });
        total.datagrams += datagrams;
        total.bytes += bytes;
      }
    return { total, byKind };
  }

  /** From now on. */
  reset(): void {
    this.#byHost.clear();
  }
}
