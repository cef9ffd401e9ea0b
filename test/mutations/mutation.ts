// One deliberate fault: what to change where, which tests must notice, and why it matters.

export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Exact text; stands in the file exactly once. */
  readonly text: string;
  readonly replacement: string;
  /** At least one of these must turn red. */
  readonly tests: readonly string[];
  /** Of those files only tests whose name matches. */
  readonly only?: string;
  readonly why: string;
}
