// The messages of the fuzzer: the same from the same seed, and mutated neither so little nor so much that nothing is learnt of them.
import { expect, test } from 'vitest';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { readMessage } from '../../../src/sip/reader.ts';
import { chanceOf, nextMessage } from '../../fuzz/mutations.ts';
import { corpusFolder } from '../../support/corpus.ts';

const messagesOf = (seed: string, count: number): readonly string[] => {
  const chance = chanceOf(simRandom(seed));
  return Array.from({ length: count }, () => Buffer.from(nextMessage(chance)).toString('latin1'));
};

test('one seed gives one row of messages, another another', () => {
  expect(messagesOf('a', 200)).toEqual(messagesOf('a', 200));
  expect(messagesOf('a', 200)).not.toEqual(messagesOf('b', 200));
});

test('of two thousand some are served, some refused in words and some dropped, by every fault there is', () => {
  const seen = new Map<string, number>();
  for (const text of messagesOf('shares', 2000)) {
    const read = readMessage(Buffer.from(text, 'latin1'));
    const outcome = read.ok ? read.value.kind : read.error.request === undefined ? 'dropped' : 'refused';
    for (const key of [outcome, ...(read.ok ? [] : [read.error.code])])
      seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  for (const outcome of ['request', 'response', 'dropped', 'refused'])
    expect(seen.get(outcome), outcome).toBeGreaterThan(100);
  for (const code of [
    'ERR_SIP_NOT_SIP',
    'ERR_SIP_START_LINE',
    'ERR_SIP_VERSION',
    'ERR_SIP_LINE',
    'ERR_SIP_LIMIT',
    'ERR_SIP_HEADER',
    'ERR_SIP_MISSING',
    'ERR_SIP_CONTENT_LENGTH',
  ])
    expect(seen.get(code), code).toBeGreaterThan(0);
  // And few are the corpus as it stands.
  const known = new Set(
    (['rfc4475', 'rfc5118', 'rfc3665', 'real'] as const)
      .flatMap(corpusFolder)
      .map(({ bytes }) => Buffer.from(bytes).toString('latin1')),
  );
  expect(messagesOf('shares', 2000).filter((text) => known.has(text)).length).toBeLessThan(100);
});
