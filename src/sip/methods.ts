// The methods of SIP that have a name, for the method table, the Allow header and the labels of metrics.

/** RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086, 6665. Method names are case-sensitive (RFC 3261 §7.1). */
export const KNOWN_METHODS = [
  'REGISTER',
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'PRACK',
  'UPDATE',
  'MESSAGE',
  'INFO',
  'NOTIFY',
  'SUBSCRIBE',
  'PUBLISH',
  'REFER',
] as const;

export type KnownMethod = (typeof KNOWN_METHODS)[number];

const KNOWN: ReadonlySet<string> = new Set(KNOWN_METHODS);

export const isKnownMethod = (method: string): method is KnownMethod => KNOWN.has(method);

/** For metrics: a stranger's invention must not become a series of its own. */
export const methodLabel = (method: string): KnownMethod | 'other' =>
  isKnownMethod(method) ? method : 'other';

/** The value of Allow for a server that serves `served`, in a fixed order. */
export const allowOf = (served: (method: KnownMethod) => boolean): string =>
  KNOWN_METHODS.filter(served).join(', ');
