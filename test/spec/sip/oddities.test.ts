// What phones say that keeps other registrars busy: each is answered so that the phone stays calm.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { captured, gets, type Office, type OfficePhone, openOffice } from '../../support/office.ts';
import { makeDomain, startServer, trustOf } from '../../support/servers.ts';
import { digestHeader, SipClient } from '../../support/sip-client.ts';

let office: Office;
let phone: OfficePhone;
beforeAll(async () => {
  office = await openOffice({ config: { aliases: ['sip.test'], limits: { trusted: [] } } });
  phone = await office.phone();
});
afterAll(() => office.close());

/** Samples of a counter, by their labels. */
const counted = async (name: string, label: string): Promise<number> => {
  const response = await fetch(`http://${formatEndpoint(office.server.admin)}/metrics`);
  const line = (await response.text())
    .split('\n')
    .find((row) => row.startsWith(`${name}{`) && row.includes(label));
  return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0);
};
/** The captured REGISTER answered with the password, as the phone did after our challenge. */
const loginWith = async (message: string, user: 'alice' | 'bob', via: OfficePhone = phone) => {
  const challenge = await gets(via, message, 401);
  const uri = /^REGISTER (\S+)/.exec(message)?.[1] ?? '';
  const password = user === 'alice' ? 'wonderland' : 'zanzibar';
  const row = digestHeader(challenge.header('WWW-Authenticate')[0] ?? '', {
    user,
    password,
    method: 'REGISTER',
    uri,
  });
  const again = message
    .replace(/^Authorization:.*\r\n/m, '')
    .replace(/branch=[^;\r]+/, (branch) => `${branch}again`)
    .replace(/^CSeq: (\d+)/m, (_, seq) => `CSeq: ${Number(seq) + 1}`)
    .replace('Max-Forwards', `${row}\r\nMax-Forwards`);
  return via.ask(again);
};

describe('SUBSCRIBE to a mailbox that is not here', () => {
  test.each([
    ['of a user', 'sip:bob@biloxi.com', 'message-summary'],
    ['of nobody', 'sip:nobody@biloxi.com', 'message-summary'],
    ['of a number', 'sip:*97@biloxi.com', 'message-summary'],
    ['of no user', 'sip:biloxi.com', 'message-summary'],
    ['with a parameter', 'sip:bob@biloxi.com', 'Message-Summary;id=1'],
    ['for registrations', 'sip:bob@biloxi.com', 'reg'],
  ])(
    '%s: 489 with Allow-Events, where a 404 sends baresip into a loop (RFC 6665 4.2.1.1)',
    async (_, uri, event) => {
      const headers = [`Event: ${event}`, 'Expires: 3600', 'Accept: application/simple-message-summary'];
      await gets(phone, { method: 'SUBSCRIBE', uri, headers }, 489, { 'Allow-Events': /presence/ });
    },
  );

  test('by the compact name of Event too', async () => {
    await gets(phone, { method: 'SUBSCRIBE', headers: ['o: message-summary'] }, 489);
  });
});

test('PUBLISH: 489, as twinkle sent it (RFC 3903 6)', async () => {
  await gets(phone, captured('twinkle-redirect-udp-009-PUBLISH', office.server.sip), 489, {
    'Allow-Events': /./,
  });
});

test.each([
  ['who is not registered', 'sip:alice@biloxi.com', 480],
  ['who does not exist', 'sip:nobody@biloxi.com', 404],
])('MESSAGE to somebody %s: %3$i, never 202 without a store (RFC 3428 7)', async (_, uri, status) => {
  const headers = ['Content-Type: text/plain'];
  await gets(phone, { method: 'MESSAGE', uri, headers, body: 'hello' }, status);
});

describe('OPTIONS as a ping', () => {
  test('is answered while the overlay is away, however the server is named', async () => {
    const domain = makeDomain('biloxi.com');
    // A ring that wants a second member acknowledges and denies nothing.
    const server = await startServer({
      domain,
      trust: trustOf([domain]),
      config: { overlay: { minMembers: 2 } },
    });
    const client = await SipClient.open();
    const at = formatEndpoint(server.sip);
    const uris = [
      'sip:biloxi.com',
      `sip:${at}`,
      `sip:${at};transport=udp`,
      `sip:biloxi.com:${server.sip.port}`,
    ];
    const answers = await Promise.all(
      uris.map((uri) => client.ask(server.sip, { method: 'OPTIONS', uri, from: 'sip:pbx@pbx', to: uri })),
    );
    const call = await client.invite(server.sip, 'sip:bob@biloxi.com');
    await client.close();
    await server.app.stop();
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(call.status).toBe(503);
  });

  test('for a user is answered as a call would be', async () => {
    await gets(phone, { method: 'OPTIONS', uri: 'sip:alice@biloxi.com' }, 480);
    await gets(phone, { method: 'OPTIONS', uri: 'sip:nobody@biloxi.com' }, 404);
  });
});

describe('keep-alives', () => {
  test.each([['\r\n\r\n'], ['\r\n'], ['\0\0\0\0'], ['\0'], ['jaK\0']])(
    '%j over UDP: no answer, and no attack',
    async (bytes) => {
      const [before, malformed] = [
        await counted('chordial_sip_dropped_total', 'keep-alive'),
        await counted('chordial_sip_dropped_total', 'malformed'),
      ];
      expect(await phone.unanswered(bytes)).toBe(true);
      expect(await counted('chordial_sip_dropped_total', 'keep-alive')).toBe(before + 1);
      expect(await counted('chordial_sip_dropped_total', 'malformed')).toBe(malformed);
    },
  );

  test('over TCP a double CRLF is answered with one (RFC 5626 3.5.1)', async () => {
    const stream = await office.tcpPhone();
    stream.tell('\r\n\r\n');
    stream.tell({ method: 'OPTIONS', uri: 'sip:biloxi.com' });
    const { text } = await stream.next();
    expect(text.startsWith('\r\nSIP/2.0 200 ')).toBe(true);
  });
});

describe('CSeq (DESIGN 7)', () => {
  const contact = (port: number) => [`Contact: <sip:alice@192.0.2.4:${port}>`];

  test('repeated: a retransmission, answered like the first', async () => {
    const first = await phone.register('alice', { callId: 'repeat', cseq: 10, headers: contact(1) });
    const second = await phone.register('alice', { callId: 'repeat', cseq: 10, headers: contact(1) });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.header('Contact')).toEqual(first.header('Contact'));
  });

  test('lower in the same Call-ID: 500, and nothing changed', async () => {
    await phone.register('alice', { callId: 'lower', cseq: 100, headers: contact(2) });
    const late = await phone.register('alice', {
      callId: 'lower',
      cseq: 50,
      headers: [`${contact(2)[0]};expires=0`],
    });
    const told = await phone.register('alice', { callId: 'look' });
    expect([late.status, told.header('Contact').join().includes('192.0.2.4:2')]).toEqual([500, true]);
  });

  test('lower with a new Call-ID: a phone that rebooted', async () => {
    const answer = await phone.register('alice', { callId: 'reboot', cseq: 1, headers: contact(2) });
    expect(answer.status).toBe(200);
    await phone.register('alice', { callId: 'clean', headers: ['Contact: *', 'Expires: 0'] });
  });
});

test.each([
  [['Contact: <sip:alice@192.0.2.4>', 'Expires: 2147483647'], 3600],
  [['Contact: <sip:alice@192.0.2.4>;expires=2147483647'], 3600],
  [['Contact: <sip:alice@192.0.2.4>;expires=4294967295'], 3600],
  [['Contact: <sip:alice@192.0.2.4>;expires=99999999999999999999'], 3600],
])('%j is as long as we let it', async (headers, granted) => {
  const answer = await phone.register('alice', { headers });
  expect(answer.header('Contact')).toEqual([`<sip:alice@192.0.2.4>;expires=${granted}`]);
});

describe('unregistering', () => {
  test('Contact: * with Expires: 0, as phones do when they boot', async () => {
    await phone.register('bob', { headers: ['Contact: <sip:bob@192.0.2.4>, <sip:bob@192.0.2.5>'] });
    const answer = await phone.register('bob', { headers: ['Contact: *', 'Expires: 0'] });
    expect([answer.status, answer.header('Contact')]).toEqual([200, []]);
  });

  test.each([
    ['twinkle-redirect-udp-001-REGISTER', 'twinkle-redirect-udp-027-REGISTER', 'alice'],
    ['baresip-redirect-udp-002-REGISTER', 'baresip-redirect-udp-018-REGISTER', 'alice'],
    ['linphone-redirect-udp-001-REGISTER', 'linphone-redirect-udp-024-REGISTER', 'alice'],
  ] as const)('as %s and %s did', async (on, off, user) => {
    await phone.register(user, { headers: ['Contact: *', 'Expires: 0'] });
    const phoneOfTheirs = await office.phone();
    const registered = await loginWith(captured(on, office.server.sip), user, phoneOfTheirs);
    expect([registered.status, registered.header('Contact').length]).toEqual([200, 1]);
    const gone = await loginWith(captured(off, office.server.sip), user, phoneOfTheirs);
    expect([gone.status, gone.header('Contact')]).toEqual([200, []]);
  });
});

describe('credentials', () => {
  test('a refresh without them is challenged with a fresh nonce, and is no failure', async () => {
    const failed = await counted('chordial_auth_total', 'failed');
    await phone.register('alice', {
      callId: 'refresh',
      cseq: 1,
      headers: ['Contact: <sip:alice@192.0.2.4>'],
    });
    const asked = {
      method: 'REGISTER',
      uri: 'sip:biloxi.com',
      to: '<sip:alice@biloxi.com>',
      callId: 'refresh',
    };
    // BOUNDED: by the loop.
    const nonces = new Set<string>();
    for (let cseq = 3; cseq < 50; cseq += 1) {
      const answer = await gets(phone, { ...asked, cseq }, 401, {
        'WWW-Authenticate': /^Digest (?!.*stale)/i,
      });
      nonces.add(/nonce="([^"]+)"/.exec(answer.header('WWW-Authenticate')[0] ?? '')?.[1] ?? '');
    }
    expect(nonces.size).toBe(47);
    expect(await counted('chordial_auth_total', 'failed')).toBe(failed);
    const answer = await phone.register('alice', { callId: 'refresh', cseq: 60 });
    expect(answer.status).toBe(200);
  });

  describe('with a nonce minted before a restart', () => {
    const asked = {
      method: 'REGISTER',
      uri: 'sip:biloxi.com',
      from: '<sip:alice@biloxi.com>;tag=1',
      to: '<sip:alice@biloxi.com>',
    };
    const acrossRestart = async (nonceSecret: Uint8Array | undefined) => {
      const open = () => openOffice(nonceSecret === undefined ? {} : { nonceSecret });
      const before = await open();
      const challenge = await (await before.phone()).ask(asked);
      await before.close();
      const row = digestHeader(challenge.header('WWW-Authenticate')[0] ?? '', {
        user: 'alice',
        password: 'wonderland',
        method: 'REGISTER',
        uri: 'sip:biloxi.com',
      });
      const after = await open();
      const answer = await (await after.phone()).ask({ ...asked, cseq: 2, headers: [row] });
      await after.close();
      return answer;
    };

    test('and sip.auth.secretFile: they are good', async () => {
      expect((await acrossRestart(Buffer.alloc(32, 7))).status).toBe(200);
    });

    test('and no secret file: stale=true, so that no phone takes its password for a wrong one', async () => {
      const answer = await acrossRestart(undefined);
      expect([answer.status, answer.header('WWW-Authenticate').join()]).toEqual([
        401,
        expect.stringMatching(/stale=true/i),
      ]);
    });
  });

  describe.each([[['MD5', 'SHA-256']], [['SHA-256', 'MD5']], [['MD5']], [['SHA-256']]] as const)(
    'sip.auth.algorithms: %j',
    (algorithms) => {
      test('is the order of the challenges, and each lets a phone in (RFC 8760 2.3)', async () => {
        const other = await openOffice({ algorithms });
        const caller = await other.phone();
        const asked = { method: 'REGISTER', uri: 'sip:biloxi.com', to: '<sip:alice@biloxi.com>' };
        const rows = (await caller.ask(asked)).header('WWW-Authenticate');
        expect(rows.map((row) => /algorithm="?([\w-]+)/.exec(row)?.[1])).toEqual(algorithms);
        for (const [index, row] of rows.entries()) {
          const who = { user: 'alice', password: 'wonderland', method: 'REGISTER', uri: 'sip:biloxi.com' };
          const headers = [digestHeader(row, who)];
          expect((await caller.ask({ ...asked, cseq: 2 + index, headers })).status).toBe(200);
        }
        await other.close();
      });
    },
  );
});
