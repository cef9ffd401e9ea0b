// A clause of an RFC as a table of its sentences: what each says, and the test that shows it.
import { describe, expect, test } from 'vitest';

interface Sentence {
  /** Section and count, unique within the table. */
  readonly id: string;
  /** The deciding words of the sentence, verbatim; `…` stands for words left out. */
  readonly says: string;
  /** Which of several cases of the sentence this is. */
  readonly when?: string;
}

/** A sentence that this server keeps, or fails for a stated reason: the test then turns red when it starts to keep it. */
export interface Shown extends Sentence {
  readonly shows: () => Promise<void> | void;
  /** Why we do otherwise. */
  readonly fails?: string;
}

/** A sentence that asks nothing of this server, or nothing that one of its answers could show. */
export interface NotOurs extends Sentence {
  readonly notOurs: string;
}

export type Row = Shown | NotOurs;

const isShown = (row: Row): row is Shown => 'shows' in row;

/** Runs a table: one test a sentence, in the order of the RFC. */
export const clause = (title: string, rows: readonly Row[]): void => {
  describe(title, () => {
    test('every sentence stands once, with its reason where it is not kept or not ours', () => {
      expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
      for (const row of rows) {
        const reason = isShown(row) ? row.fails : row.notOurs;
        if (reason !== undefined) expect(reason.length, row.id).toBeGreaterThan(10);
      }
    });

    for (const row of rows.filter(isShown)) {
      const name = `${row.id}: "${row.says}"${row.when === undefined ? '' : ` (${row.when})`}`;
      if (row.fails === undefined) test(name, () => row.shows());
      // Not a skip: it runs, and it is red once the server does as the RFC says.
      else test.fails(`${name}, not kept: ${row.fails}`, () => row.shows());
    }
  });
};
