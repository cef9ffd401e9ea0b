// Programs that look for victims, told by what they call themselves.

/** A User-Agent of a phone is some twenty characters long. */
const LOOKED_AT_CHARS = 256;

/** Whether a User-Agent holds one of `names`, in either case. Linear: names are plain text. */
export const createScannerNames = (names: readonly string[]): ((userAgent: string) => boolean) => {
  if (names.length === 0) return () => false;
  const escaped = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(escaped.join('|'), 'i');
  return (userAgent) => pattern.test(userAgent.slice(0, LOOKED_AT_CHARS));
};
