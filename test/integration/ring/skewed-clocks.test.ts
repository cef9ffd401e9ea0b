// Issue: "Two registrars of one domain with clocks 40 s apart: `*` at one, REGISTER at the other, in both orders: what was
// answered 200 is what is found."
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerRing } from '../../support/server-ring.ts';
import { makeDomain, type TestServer } from '../../support/servers.ts';
import { type SipAnswer, SipClient } from '../../support/sip-client.ts';

const SKEW_MS = 40_000;
const DOMAINS = [makeDomain('a.example', 0), makeDomain('a.example', 1), makeDomain('b.example')];
const phoneContact = (aor: string): string => `<${aor.replace('@a.example', '@192.0.2.5:5090')}>`;

let phones: SipClient;
beforeAll(async () => {
  phones = await SipClient.open();
});
afterAll(() => phones.close());

const register = (server: TestServer, aor: string, callId: string, cseq: number): Promise<SipAnswer> =>
  phones.register(server.sip, aor, { contact: phoneContact(aor), expires: 600, callId, cseq });
const removeAll = (server: TestServer, aor: string, callId: string, cseq: number): Promise<SipAnswer> =>
  phones.register(server.sip, aor, { contact: '*', expires: 0, callId, cseq });

/** What a 200 lists, without what counts down. */
const listed = (answer: SipAnswer): string =>
  `${answer.status} ${answer.header('contact').map((one) => one.replace(/;expires=\d+/, ''))}`;
const bound = (aor: string): string => `200 ${phoneContact(aor)}`;
const REMOVED = '200 ';

describe.each([
  { ahead: 'the third node agrees with the slow one', skews: [SKEW_MS, 0, 0] },
  { ahead: 'the third node agrees with the fast one', skews: [SKEW_MS, 0, SKEW_MS] },
])('registrars 40 s apart, $ahead', ({ skews }) => {
  const ring = new ServerRing(DOMAINS);
  let servers: readonly TestServer[];
  beforeAll(async () => {
    servers = await ring.startAll(DOMAINS, (index) => ({ skewMs: skews[index] ?? 0 }));
  }, 60_000);
  afterAll(() => ring.end());

  const at = (index: number): TestServer => {
    const server = servers[index];
    if (server === undefined) throw new Error(`no server ${index}`);
    return server;
  };
  /** What every node says, those of other domains included. */
  const found = async (aor: string): Promise<readonly string[]> => {
    const answers = await Promise.all(servers.map((server) => phones.invite(server.sip, aor)));
    return answers.map((answer) => `${answer.status} ${answer.header('contact')}`);
  };
  const everywhere = (aor: string) => servers.map(() => `302 ${phoneContact(aor)}`);
  // Own users are told that nobody is there; strangers that we forward nothing for them.
  const NOWHERE = ['480 ', '480 ', '403 '];

  describe.each([
    { at: 'registered at the fast one, removed at the slow one', first: 0, second: 1 },
    { at: 'registered at the slow one, removed at the fast one', first: 1, second: 0 },
  ])('$at', ({ first, second }) => {
    test.each([
      { how: 'by the same phone', callIds: ['same', 'same'] },
      { how: 'by a phone that restarted', callIds: ['before', 'after'] },
    ])('* $how removes what was registered before', async ({ how, callIds: [one = '', two = ''] }) => {
      const aor = `sip:gone-${how.replaceAll(' ', '-')}-${first}@a.example`;
      expect(listed(await register(at(first), aor, `${one}-${aor}`, 1))).toBe(bound(aor));
      expect(listed(await removeAll(at(second), aor, `${two}-${aor}`, 2))).toBe(REMOVED);
      expect(await found(aor)).toEqual(NOWHERE);
    });

    test.each([
      { how: 'the same phone', callIds: ['same', 'same'] },
      { how: 'a phone that restarted', callIds: ['before', 'after'] },
    ])('what $how registers after * is found', async ({ how, callIds: [one = '', two = ''] }) => {
      const aor = `sip:back-${how.replaceAll(' ', '-')}-${first}@a.example`;
      expect(listed(await register(at(first), aor, `${one}-${aor}`, 1))).toBe(bound(aor));
      expect(listed(await removeAll(at(second), aor, `${one}-${aor}`, 2))).toBe(REMOVED);
      expect(listed(await register(at(first), aor, `${two}-${aor}`, 3))).toBe(bound(aor));
      expect(await found(aor)).toEqual(everywhere(aor));
    });

    test('* first, then REGISTER at the other one: it is found', async () => {
      const aor = `sip:star-first-${first}@a.example`;
      expect(listed(await removeAll(at(second), aor, `star-${aor}`, 1))).toBe(REMOVED);
      expect(listed(await register(at(first), aor, `call-${aor}`, 1))).toBe(bound(aor));
      expect(await found(aor)).toEqual(everywhere(aor));
    });

    test('back and forth, each 200 is the truth at once', async () => {
      const aor = `sip:back-and-forth-${first}@a.example`;
      for (let round = 0; round < 4; round += 1) {
        const [here, there] = round % 2 === 0 ? [first, second] : [second, first];
        expect(listed(await register(at(here), aor, `r${round}-${aor}`, 1))).toBe(bound(aor));
        expect(await found(aor)).toEqual(everywhere(aor));
        expect(listed(await removeAll(at(there), aor, `s${round}-${aor}`, 1))).toBe(REMOVED);
        expect(await found(aor)).toEqual(NOWHERE);
      }
    });
  });
});
