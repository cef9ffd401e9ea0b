// What the schema refuses, in words for whoever wrote the value.
import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

/** A value that is not there at all is told apart by the schema's own words alone. */
const MISSING = /received undefined$/;

function valueInWords(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return MISSING.test(issue.message)
        ? 'is missing'
        : `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `must have at most ${issue.maximum} entries`
        : `must be at most ${issue.maximum}`;
    case 'too_small':
      // No list of ours has to have more than one entry.
      return issue.origin === 'array' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    // Ours, which say what is expected.
    default:
      return issue.message;
  }
}

/** Each `path: what is wrong`. */
export const issueInWords = (issue: z.core.$ZodIssue): string[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown key`)
    : [`${issue.path.join('.')}: ${valueInWords(issue)}`];
