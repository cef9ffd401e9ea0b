// Shapes of input that readers of SIP were seen to spend more than linear time on.
import { requestText } from './sip-request.ts';

export const filled = (part: string, size: number): string =>
  part.repeat(Math.ceil(size / part.length)).slice(0, size);

/** Header lines that cost a careless reader the square or the cube of their length; `size` is about how long they become. */
export const HOSTILE: Readonly<Record<string, (size: number) => string>> = {
  'blanks behind From: <': (size) => `From: <${' '.repeat(size)}`,
  'blanks in a display name': (size) => `From: a${' '.repeat(size)}b`,
  'words of a display name': (size) => `From: ${filled('a ', size)}`,
  'an open quoted string': (size) => `From: "${filled('\\"', size)}`,
  'blanks between parameters': (size) => `From: <sip:a@b>${filled(`;a${' '.repeat(100)}`, size)}`,
  'equal parameters': (size) => `From: <sip:a@b>${filled(';a=b', size)}`,
  semicolons: (size) => `From: <sip:a@b>${';'.repeat(size)}`,
  'a Via list': (size) => `Via: ${filled('SIP/2.0/UDP a , ', size)}`,
  'Via parameters': (size) => `Via: SIP/2.0/UDP a${filled(' ; x = y', size)}`,
  'blanks in a Via': (size) => `Via: SIP${' '.repeat(size)}/ 2.0`,
  'colons in a Via': (size) => `Via: SIP/2.0/UDP ${':'.repeat(size)}`,
  'a Contact list': (size) => `Contact: ${filled('<sip:a@b> , ', size)}`,
  'a Contact list without brackets': (size) => `Contact: ${filled('sip:a@b;x=y, ', size)}`,
  'blanks in an Authorization': (size) => `Authorization: Digest a=${' '.repeat(size)}`,
  'Authorization parameters': (size) => `Authorization: Digest ${filled('a="b" , ', size)}`,
  'an open Authorization string': (size) => `Authorization: Digest a="${filled('\\"', size)}`,
  folds: (size) => `Subject: ${filled('\r\n ', size)}`,
  'folds of blanks': (size) => `Subject: ${filled(`${' '.repeat(50)}\r\n `, size)}`,
  'bare LFs': (size) => `Subject: ${filled('\n', size)}`,
  'bare CRs': (size) => `Subject: ${filled('\r', size)}`,
  NULs: (size) => `Subject: ${filled('\0', size)}`,
  'empty rows': (size) => filled('X:\r\n', size - 2),
  // What kills npm sip, which a name of the object's own prototype must not.
  'parameters called __proto__': (size) => `Via: SIP/2.0/UDP a${filled(';__proto__;constructor=x', size)}`,
  'escapes in a user': (size) => `Contact: <sip:${filled('%41', size)}@b>`,
  'parameters of a URI': (size) => `Contact: <sip:a@b${filled(';a%41=b', size)}>`,
  'headers of a URI': (size) => `Contact: <sip:a@b?${filled('a=%41&', size)}>`,
  'labels of a host': (size) => `Contact: <sip:a@${filled('a.', size)}>`,
  'colons of an IPv6 address': (size) => `Contact: <sip:a@[${':'.repeat(size)}]>`,
  'nested brackets': (size) => `From: ${'<'.repeat(size / 2)}${'>'.repeat(size / 2)}`,
  'nested comments': (size) => `User-Agent: ${'('.repeat(size / 2)}${')'.repeat(size / 2)}`,
  'one number': (size) => `Max-Forwards: ${'9'.repeat(size)}`,
  'tokens of Supported': (size) => `Supported: ${filled('a , ', size)}`,
};

/** A REGISTER with these lines; its own line of their name gives way, or nobody would look at a second one. */
export const messageWith = (
  lines: readonly string[],
  given: Parameters<typeof requestText>[0] = {},
): string => {
  const [first = ''] = lines;
  const name = first.slice(0, first.indexOf(':') + 1);
  const text = requestText({ method: 'REGISTER', uri: 'sip:example.com', ...given, headers: [] });
  const end = text.indexOf('\r\nContent-Length:');
  const rows = text.slice(0, end).split('\r\n');
  const kept = rows.filter((row, index) => index === 0 || !row.startsWith(name));
  return [...kept, ...lines].join('\r\n') + text.slice(end);
};
