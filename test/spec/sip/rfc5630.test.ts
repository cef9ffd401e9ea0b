// sips: by RFC 5630: who asks for TLS all the way gets a way with TLS, or is told that there is none.
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gets, type Office, type OfficePhone, openOffice } from '../../support/office.ts';

let office: Office;
let phone: OfficePhone;
let users = 0;

beforeAll(async () => {
  office = await openOffice({ open: true });
  phone = await office.phone();
});
afterAll(() => office.close());

/** Somebody who is registered at these contacts; `scheme` is that of the To and the Request-URI of the REGISTER. */
const registered = async (contacts: readonly string[], scheme = 'sip'): Promise<string> => {
  users += 1;
  const name = `user${users}@biloxi.com`;
  const headers = contacts.map((contact) => `Contact: ${contact}`);
  const aor = `<${scheme}:${name}>`;
  await gets(
    phone,
    { method: 'REGISTER', uri: `${scheme}:biloxi.com`, from: `${aor};tag=1`, to: aor, headers },
    200,
  );
  return name;
};

const TLS = '<sips:x@192.0.2.4:5061>';
const PLAIN = '<sip:x@192.0.2.4:5060>';
const TLS_ONE_HOP = '<sip:x@192.0.2.4:5061;transport=tls>';

test.each([
  ['sips', [PLAIN, TLS], [TLS]],
  ['sip', [PLAIN, TLS], [PLAIN, TLS]],
  ['sip', [TLS], [TLS]],
  ['sips', [TLS], [TLS]],
])('a %s: call to %j is redirected to %j', async (scheme, contacts, told) => {
  const name = await registered(contacts);
  const answer = await gets(phone, { uri: `${scheme}:${name}` }, 302);
  expect([...answer.header('Contact')].sort()).toEqual([...told].sort());
});

test.each([[[PLAIN]], [[TLS_ONE_HOP]]])(
  'a sips: call to somebody at %j alone is told that sips: is not to be had: 480 with Warning 380',
  async (contacts) => {
    const name = await registered(contacts);
    const answer = await gets(phone, { uri: `sips:${name}` }, 480, {
      Warning: /^380 \S+ "SIPS Not Allowed"$/,
    });
    expect(answer.header('Contact')).toEqual([]);
  },
);

test('a sips: call to somebody who is nowhere: 480, and nothing about sips:', async () => {
  const answer = await gets(phone, { uri: 'sips:nobody@biloxi.com' }, 480);
  expect(answer.header('Warning')).toEqual([]);
});

test.each([
  ['sips', [TLS]],
  ['sips', [PLAIN]],
  ['sip', [TLS]],
])('sip: and sips: are one address of record: registered as %s: at %j', async (scheme, contacts) => {
  const name = await registered(contacts, scheme);
  const answer = await gets(phone, { uri: `sip:${name}` }, 302);
  expect(answer.header('Contact')).toEqual(contacts);
});

test.each(['', ';transport=tcp', ';transport=udp'])(
  'a sips: call elsewhere%s never leaves in the clear: without TLS there is no way',
  async (params) => {
    const callee = await office.peer();
    const { port } = callee.local;
    const knocks: unknown[] = [];
    const ear = createServer((socket) => knocks.push(socket.destroy()));
    await new Promise<void>((resolve) => ear.listen(port, '127.0.0.1', resolve));
    const answer = await phone.ask({ uri: `sips:x@127.0.0.1:${port}${params}` });
    await new Promise((resolve) => ear.close(resolve));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect([callee.unread, knocks]).toEqual([0, []]);
  },
);
