// How many members the ring has: from the gaps around us, and what some peers found around them (research A.6).
import { distance, type Id } from '../record/id.ts';

/** (k − 1) / distance of k consecutive gaps, `chain` being k + 1 ids clockwise; the chain's length where that says nothing. */
export const gapEstimate = (chain: readonly Id[]): number => {
  const first = chain[0];
  const last = chain.at(-1);
  if (first === undefined || last === undefined || chain.length < 3) return chain.length;
  const span = distance(first, last);
  return span === 0 ? chain.length : Math.max(chain.length, (chain.length - 2) / span);
};

/**
 * The median of our own and the others': one node's eight gaps are off by 0.53–1.69, the median of ten nodes' by 0.75–1.21,
 * and no single liar moves a median far.
 */
export const medianEstimate = (own: number, others: readonly number[]): number => {
  const sane = others.filter((value) => Number.isFinite(value) && value >= 1);
  const sorted = [own, ...sane].sort((a, b) => a - b);
  const middle = Math.floor((sorted.length - 1) / 2);
  const low = sorted[middle] ?? own;
  const high = sorted.length % 2 === 0 ? (sorted[middle + 1] ?? low) : low;
  return Math.round((low + high) / 2);
};
