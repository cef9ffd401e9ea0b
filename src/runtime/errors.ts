// The errors that are values of the program: a stable code for what a peer or an operator did wrong.

/** A fault of a peer or of the operator, told apart by `code` (`ERR_…`), never by its text. */
export class CodedError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CodedError';
    this.code = code;
  }
}

/** For the `default` of a switch over a union: a type error at build time, an assertion at run time. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
