// A zone as data, asked as DNS is: what it was asked is written down.
import type { Dns, DnsAnswer, NaptrRecord, SrvRecord } from '../../src/runtime/dns.ts';

export interface Zone {
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly aaaa?: Readonly<Record<string, readonly string[]>>;
  /** Questions that get no answer, as they are written down. */
  readonly silent?: readonly string[];
}

/** `TYPE name`, in the order asked. */
export type ZoneDns = Dns & { readonly asked: readonly string[] };

export const zoneDns = (zone: Zone): ZoneDns => {
  const asked: string[] = [];
  const answer = <T>(type: string, name: string, records: readonly T[] | undefined): DnsAnswer<T> => {
    const question = `${type} ${name}`;
    asked.push(question);
    if (zone.silent?.includes(question) === true) return { kind: 'unavailable' };
    return records === undefined ? { kind: 'none' } : { kind: 'found', records };
  };
  return {
    asked,
    naptr: async (name) => answer('NAPTR', name, zone.naptr?.[name]),
    srv: async (name) => answer('SRV', name, zone.srv?.[name]),
    addresses: async (name, family) =>
      answer(family === 4 ? 'A' : 'AAAA', name, (family === 4 ? zone.a : zone.aaaa)?.[name]),
  };
};

/** `order preference flags service replacement [regexp]`, as in a zone file. */
export const naptr = (text: string): NaptrRecord => {
  const [order = '', preference = '', flags = '', service = '', replacement = '', regexp = ''] =
    text.split(' ');
  return { order: Number(order), preference: Number(preference), flags, service, replacement, regexp };
};

/** `priority weight port target`, as in a zone file. */
export const srv = (text: string): SrvRecord => {
  const [priority, weight, port, name = ''] = text.split(' ');
  return { priority: Number(priority), weight: Number(weight), port: Number(port), name };
};
