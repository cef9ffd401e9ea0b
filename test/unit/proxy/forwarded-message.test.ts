import { describe, expect, test } from 'vitest';
import {
  forwardedRequest,
  forwardedResponse,
  type RequestChanges,
  recordRoutes,
  targeted,
} from '../../../src/proxy/forwarded-message.ts';
import type { HeaderRow } from '../../../src/sip/types.ts';
import {
  DEFAULT_VIA,
  type GivenRequest,
  requestOf,
  responseOf,
  routesOf,
} from '../../support/forward-messages.ts';

const udp = { transport: 'udp', advertised: { host: '192.0.2.1', port: 5060 } } as const;
const tcp6 = { transport: 'tcp', advertised: { host: '2001:db8::1', port: 5062 } } as const;
const lines = (rows: readonly HeaderRow[]): readonly string[] =>
  rows.map(({ as, value }) => `${as}: ${value}`);
const named = (rows: readonly HeaderRow[], name: string): readonly string[] =>
  rows.filter((row) => row.name === name).map(({ value }) => value);

const forward = (given: GivenRequest, changes: Partial<RequestChanges> = {}) =>
  forwardedRequest(requestOf(given), {
    target: { uri: 'sip:bob@192.0.2.7', routes: [] },
    branch: 'z9hG4bKours',
    down: udp,
    recordRoutes: [],
    isOurRealm: (realm) => realm === 'biloxi.com',
    ...changes,
  });

test('a side over secure WebSocket is recorded as ws, the only name that RFC 7118 §5.2 has', () => {
  const wss = { transport: 'wss', advertised: { host: 'sip.biloxi.com', port: 443 } } as const;
  expect(lines(recordRoutes(wss, udp, 'token'))).toEqual([
    'Record-Route: <sip:token@192.0.2.1:5060;lr>',
    'Record-Route: <sip:token@sip.biloxi.com:443;transport=ws;lr>',
  ]);
});

describe('a forwarded request (RFC 3261 §16.6)', () => {
  test('has our Via on top of the others', () => {
    expect(named(forward({}).rows, 'via')).toEqual([
      'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours;rport',
      DEFAULT_VIA,
    ]);
  });

  test('over TCP and IPv6 has the Via of that side', () => {
    expect(named(forward({}, { down: tcp6 }).rows, 'via')[0]).toBe(
      'SIP/2.0/TCP [2001:db8::1]:5062;branch=z9hG4bKours',
    );
  });

  test.each([
    [70, '69'],
    [1, '0'],
    ['absent', '70'],
  ] as const)('with Max-Forwards %s leaves with %s', (maxForwards, left) => {
    expect(named(forward({ maxForwards }).rows, 'max-forwards')).toEqual([left]);
  });

  test('carries every other row verbatim and in order, known or not', () => {
    const rows = [
      'Identity: eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://cert.example/a.pem>;alg=ES256;ppt=shaken',
      'X-Odd:  kept  ',
      'Subject: caf\u00c3\u00a9',
      'Record-Route: <sip:p.example;lr>',
      'x-odd: again',
    ];
    const kept = lines(forward({ rows }).rows).filter((line) =>
      /^(Identity|X-Odd|x-odd|Subject|Record-Route)/.test(line),
    );
    expect(kept).toEqual(lines(requestOf({ rows }).rows).slice(5, 10));
  });

  test('has the Routes that are left, and no other', () => {
    const routes = routesOf('<sip:p.example;lr>', '<sip:q.example;lr>');
    const { rows, uri } = forward(
      { rows: ['Route: <sip:192.0.2.1;lr>, <sip:p.example;lr>', 'Route: <sip:q.example;lr>'] },
      { target: { uri: 'sip:bob@192.0.2.9', routes } },
    );
    expect(named(rows, 'route')).toEqual(['<sip:p.example;lr>', '<sip:q.example;lr>']);
    expect(uri).toBe('sip:bob@192.0.2.9');
  });

  test('keeps no credentials that were for us, and those that are for others', () => {
    const ours = 'Proxy-Authorization: Digest username="alice", realm="biloxi.com", response="x"';
    const other = 'Proxy-Authorization: Digest username="alice", realm="p.example", response="y"';
    const end = 'Authorization: Digest username="alice", realm="biloxi.com", response="z"';
    const { rows } = forward({ rows: [ours, other, end] });
    expect(lines(rows).filter((line) => line.includes('uthorization'))).toEqual([other, end]);
  });

  test.each([
    'Digest username="alice", realm=biloxi.com, response="x"',
    'Digest username="realm=", realm="biloxi.com", response="x"',
    'Digest username="alice", Realm = "biloxi.com", response="x"',
    'Digest username="alice", realm="biloxi\\.com", response="x"',
  ])('keeps no credentials that were for us, however they are written: %s', (value) => {
    const { rows } = forward({ rows: [`Proxy-Authorization: ${value}`] });
    expect(named(rows, 'proxy-authorization')).toEqual([]);
  });

  test('leaves with the body it came with', () => {
    expect(Buffer.from(forward({ body: 'v=0\r\n\u00ff' }).body).toString('latin1')).toBe('v=0\r\n\u00ff');
  });

  test('names our Record-Route before older ones', () => {
    const { rows } = forward(
      { rows: ['Record-Route: <sip:older.example;lr>'] },
      { recordRoutes: recordRoutes(udp, udp, 'd1.x.y') },
    );
    expect(named(rows, 'record-route')).toEqual(['<sip:d1.x.y@192.0.2.1:5060;lr>', '<sip:older.example;lr>']);
  });
});

describe('Record-Route', () => {
  test('is one where both sides are the same', () => {
    expect(recordRoutes(udp, udp, 't')).toHaveLength(1);
  });

  test('is one for each side where transport or address change, the outer one on top (RFC 5658 §3)', () => {
    expect(recordRoutes(udp, tcp6, 't').map(({ value }) => value)).toEqual([
      '<sip:t@[2001:db8::1]:5062;transport=tcp;lr>',
      '<sip:t@192.0.2.1:5060;lr>',
    ]);
  });
});

describe('the next hop', () => {
  test('is the Request-URI where no Route is left', () => {
    expect(targeted({ uri: 'sip:bob@192.0.2.7', routes: [] }).next).toBe('sip:bob@192.0.2.7');
  });

  test('is the first Route that is a loose router', () => {
    const routes = routesOf('<sip:p.example;lr>', '<sip:q.example;lr>');
    expect(targeted({ uri: 'sip:bob@192.0.2.7', routes })).toEqual({
      next: 'sip:p.example;lr',
      uri: 'sip:bob@192.0.2.7',
      routes,
    });
  });

  test('that is a strict router gets its URI as the Request-URI, and the real one last (RFC 3261 §16.6 step 6)', () => {
    const told = targeted({
      uri: 'sip:bob@192.0.2.7',
      routes: routesOf('<sip:old.example>', '<sip:q.example;lr>'),
    });
    expect(told.uri).toBe('sip:old.example');
    expect(told.routes.map(({ text }) => text)).toEqual(['<sip:q.example;lr>', '<sip:bob@192.0.2.7>']);
  });
});

describe('a forwarded answer (RFC 3261 §16.11)', () => {
  const top = 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours;rport=5060;received=192.0.2.1';

  test('has lost our Via and nothing else', () => {
    const response = responseOf({
      status: 180,
      vias: [top, DEFAULT_VIA],
      rows: ['X-Odd: 1', 'Content-Length: 0'],
    });
    const { rows, status, reason } = forwardedResponse(response);
    expect(lines(rows)).toEqual(lines(response.rows).slice(1));
    expect([status, reason]).toEqual([180, 'Reason']);
  });

  test('keeps the Vias that stood in one row with ours', () => {
    const both = responseOf({ status: 200, vias: [top, DEFAULT_VIA], rows: ['Content-Length: 0'] });
    const [first, , ...rest] = both.rows;
    if (first === undefined) throw new Error('no Via');
    const joined = { ...both, rows: [{ ...first, value: `${top} ,  ${DEFAULT_VIA}` }, ...rest] };
    expect(named(forwardedResponse(joined).rows, 'via')).toEqual([DEFAULT_VIA]);
  });
});
