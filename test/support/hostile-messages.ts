// Requests with something hostile at each place that a value can stand in: what of it comes out again is for the test to see.

/** What would begin another header, end the head, or cut a string short, written in every way that one might let through. */
export const PAYLOADS: readonly string[] = [
  '\r\nInjected: yes',
  '\nInjected: yes',
  '\rInjected: yes',
  '\r\n\r\nInjected: yes',
  '\r\n Injected: folded',
  '\n\tInjected: folded',
  '%0d%0aInjected:%20yes',
  '%0D%0A%0D%0AInjected',
  '%00',
  '\0',
  '\\\r\nInjected: yes',
  '\\\n',
  '\\\0',
  '"\r\nInjected: yes"',
  '\x0b\x0cInjected: yes',
  '\x85Injected: yes',
  '\xe2\x80\xa8Injected: yes',
  '\xc4\x8aInjected: yes',
  '\\u000aInjected: yes',
];

export interface Fields {
  readonly method: string;
  readonly uri: string;
  readonly via: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: string;
  readonly contact: string;
  readonly more: readonly string[];
}

/** Where `x` goes in a request. */
export const PLACES: Readonly<Record<string, (fields: Fields, x: string) => Fields>> = {
  'the method': (fields, x) => ({ ...fields, method: `${fields.method}${x}` }),
  'the Request-URI’s user': (fields, x) => ({ ...fields, uri: fields.uri.replace('sip:', `sip:a${x}@`) }),
  'the Request-URI’s host': (fields, x) => ({ ...fields, uri: `${fields.uri}${x}` }),
  'a Request-URI parameter': (fields, x) => ({ ...fields, uri: `${fields.uri};x=${x}` }),
  'the Request-URI’s scheme': (fields, x) => ({ ...fields, uri: `a${x}:b` }),
  'sent-by': (fields, x) => ({ ...fields, via: fields.via.replace(';', `${x};`) }),
  'the branch': (fields, x) => ({ ...fields, via: `${fields.via}${x}` }),
  'a Via parameter': (fields, x) => ({ ...fields, via: `${fields.via};x=${x}` }),
  'a quoted Via parameter': (fields, x) => ({ ...fields, via: `${fields.via};x="${x}"` }),
  received: (fields, x) => ({ ...fields, via: `${fields.via};received=${x}` }),
  'a second Via': (fields, x) => ({ ...fields, via: `${fields.via}, SIP/2.0/UDP b;branch=z9hG4bKb${x}` }),
  'From’s display name': (fields, x) => ({ ...fields, from: `"${x}" ${fields.from}` }),
  'From’s unquoted name': (fields, x) => ({ ...fields, from: `a${x}b ${fields.from}` }),
  'From’s URI': (fields, x) => ({ ...fields, from: fields.from.replace('@', `${x}@`) }),
  'From’s tag': (fields, x) => ({ ...fields, from: `${fields.from}${x}` }),
  'a From parameter': (fields, x) => ({ ...fields, from: `${fields.from};x="${x}"` }),
  'To’s display name': (fields, x) => ({ ...fields, to: `"${x}" ${fields.to}` }),
  'To’s user': (fields, x) => ({ ...fields, to: fields.to.replace('@', `${x}@`) }),
  'To’s host': (fields, x) => ({ ...fields, to: fields.to.replace('>', `${x}>`) }),
  'To’s tag': (fields, x) => ({ ...fields, to: `${fields.to};tag=${x}` }),
  'a To parameter': (fields, x) => ({ ...fields, to: `${fields.to};x="${x}"` }),
  'Call-ID': (fields, x) => ({ ...fields, callId: `${fields.callId}${x}` }),
  'the CSeq number': (fields, x) => ({ ...fields, cseq: `${x}${fields.cseq}` }),
  'the CSeq method': (fields, x) => ({ ...fields, cseq: `${fields.cseq}${x}` }),
  'Contact’s display name': (fields, x) => ({ ...fields, contact: `"${x}" ${fields.contact}` }),
  'Contact’s user': (fields, x) => ({ ...fields, contact: fields.contact.replace('@', `${x}@`) }),
  'Contact’s host': (fields, x) => ({ ...fields, contact: fields.contact.replace('>', `${x}>`) }),
  'a URI parameter of Contact': (fields, x) => ({
    ...fields,
    contact: fields.contact.replace('>', `;x=${x}>`),
  }),
  'headers of Contact': (fields, x) => ({
    ...fields,
    contact: fields.contact.replace('>', `?Subject=${x}>`),
  }),
  'a Contact parameter': (fields, x) => ({ ...fields, contact: `${fields.contact};x=${x}` }),
  'a quoted Contact parameter': (fields, x) => ({ ...fields, contact: `${fields.contact};x="${x}"` }),
  'the instance': (fields, x) => ({
    ...fields,
    contact: `${fields.contact};+sip.instance="<urn:${x}>";reg-id=1`,
  }),
  q: (fields, x) => ({ ...fields, contact: `${fields.contact};q=0.5${x}` }),
  expires: (fields, x) => ({ ...fields, contact: `${fields.contact};expires=60${x}` }),
  'the Expires row': (fields, x) => ({ ...fields, more: [`Expires: 60${x}`] }),
  Path: (fields, x) => ({ ...fields, more: ['Supported: path', `Path: <sip:p${x}@192.0.2.7;lr>`] }),
  'a Path parameter': (fields, x) => ({
    ...fields,
    more: ['Supported: path', `Path: <sip:p@192.0.2.7;lr>;x="${x}"`],
  }),
  Route: (fields, x) => ({ ...fields, more: [`Route: <sip:127.9.0.9;lr;x=${x}>`] }),
  'Record-Route': (fields, x) => ({ ...fields, more: [`Record-Route: <sip:127.9.0.9;lr>;x="${x}"`] }),
  Require: (fields, x) => ({ ...fields, more: [`Require: a${x}`] }),
  'Proxy-Require': (fields, x) => ({ ...fields, more: [`Proxy-Require: a${x}`] }),
  Supported: (fields, x) => ({ ...fields, more: [`Supported: a${x}`] }),
  Event: (fields, x) => ({ ...fields, more: [`Event: reg${x}`] }),
  Timestamp: (fields, x) => ({ ...fields, more: [`Timestamp: 1${x}`] }),
  'User-Agent': (fields, x) => ({ ...fields, more: [`User-Agent: a${x}`] }),
  'the user of credentials': (fields, x) => ({ ...fields, more: [credentials({ username: `bob${x}` })] }),
  'the realm of credentials': (fields, x) => ({
    ...fields,
    more: [credentials({ realm: `example.com${x}` })],
  }),
  'the nonce of credentials': (fields, x) => ({ ...fields, more: [credentials({ nonce: `n${x}` })] }),
  'the uri of credentials': (fields, x) => ({
    ...fields,
    more: [credentials({ uri: `sip:example.com${x}` })],
  }),
  'a header that nobody knows': (fields, x) => ({ ...fields, more: [`X-Unknown: a${x}`] }),
  'the name of a header': (fields, x) => ({ ...fields, more: [`X-${x}: a`] }),
};

const credentials = (changed: Readonly<Record<string, string>>): string => {
  const params = {
    username: 'bob',
    realm: 'example.com',
    nonce: 'n',
    uri: 'sip:example.com',
    response: '0'.repeat(32),
    ...changed,
  };
  return `Authorization: Digest ${Object.entries(params)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`;
};

export const written = ({ method, uri, via, from, to, callId, cseq, contact, more }: Fields): Uint8Array =>
  Buffer.from(
    [
      `${method} ${uri} SIP/2.0`,
      `Via: ${via}`,
      'Max-Forwards: 70',
      `From: ${from}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq}`,
      `Contact: ${contact}`,
      ...more,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
    'latin1',
  );
