// The order in which SRV records are tried (RFC 2782), with chance drawn from a seed: the same request, the same order.
import type { SrvRecord } from '../runtime/dns.ts';

/** FNV-1a, 32 bit: spreads seeds evenly; nothing secret hangs on it. */
const hash = (text: string): number => {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return value;
};

/**
 * RFC 2782: "arrange all SRV RRs … in any order, except that all those with weight 0 are placed at the beginning of the
 * list". The order is drawn too, so that servers that all have weight 0 share the load, and does not depend on the one
 * DNS gave (RFC 3263 §4.4: "The stateless proxy MUST define a deterministic order to the records").
 */
const arranged = (records: readonly SrvRecord[], seed: string): SrvRecord[] =>
  records
    .map((record) => ({ record, drawn: hash(`${seed}/${record.name}:${record.port}`) }))
    .sort(
      (a, b) =>
        (a.record.weight === 0 ? 0 : 1) - (b.record.weight === 0 ? 0 : 1) ||
        a.drawn - b.drawn ||
        (a.record.name < b.record.name ? -1 : 1),
    )
    .map(({ record }) => record);

/** RFC 2782: of the records of one priority, the one where the running sum of weights first reaches the number drawn. */
const drawOrder = (records: readonly SrvRecord[], seed: string): readonly SrvRecord[] => {
  const left = arranged(records, seed);
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = hash(`${seed}/${ordered.length}`) % (total + 1);
    let sum = 0;
    const index = left.findIndex(({ weight }) => {
      sum += weight;
      return sum >= drawn;
    });
    ordered.push(...left.splice(index, 1));
  }
  return ordered;
};

/** Lowest priority first; within one, by weight and `seed`. A target of "." offers no service (RFC 2782) and is left out. */
export const srvOrder = (records: readonly SrvRecord[], seed: string): readonly SrvRecord[] => {
  const usable = records.filter(({ name }) => name !== '' && name !== '.');
  const priorities = [...new Set(usable.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((level) =>
    drawOrder(
      usable.filter(({ priority }) => priority === level),
      seed,
    ),
  );
};
