// Applies a mutation to a text, and refuses where it doesn't fit: a list that no longer means the code proves nothing.
import { EVENT_MUTATIONS } from './events.ts';
import type { Mutation } from './mutation.ts';
import { RECORD_MUTATIONS } from './records.ts';
import { RING_MUTATIONS } from './ring.ts';

export const MUTATIONS: readonly Mutation[] = [...RING_MUTATIONS, ...RECORD_MUTATIONS, ...EVENT_MUTATIONS];

export const occurrences = (source: string, text: string): number => source.split(text).length - 1;

/** Throws unless the text stands there exactly once. */
export const apply = (mutation: Mutation, source: string): string => {
  const found = occurrences(source, mutation.text);
  if (found !== 1) throw new Error(`${mutation.name}: its text stands ${found} times in ${mutation.file}`);
  const [before = '', after = ''] = source.split(mutation.text);
  return before + mutation.replacement + after;
};
