// A registrar over UDP for tables about URIs, and what of two URIs is asked there and of the code: are they one?
import { afterAll, beforeAll, expect } from 'vitest';
import { canonicalContact, sipUriEquals } from '../../src/uri/compare.ts';
import { aorOf, locationName } from '../../src/uri/name.ts';
import { parseSipUri } from '../../src/uri/parse.ts';
import type { SipUri } from '../../src/uri/types.ts';
import type { Row } from './clause.ts';
import { makeDomain, startServer, type TestServer, trustOf } from './servers.ts';
import { type SipAnswer, SipClient } from './sip-client.ts';

export interface UriRegistrar {
  /** Where it listens. */
  address(): { readonly host: string; readonly port: number };
  ask(ask: Parameters<SipClient['ask']>[1]): Promise<SipAnswer>;
  invite(aor: string): Promise<SipAnswer>;
  /** REGISTER with this To and Contact, in a call of its own. */
  register(aor: string, contact?: string): Promise<SipAnswer>;
  statusOf(aor: string, contact?: string): Promise<number>;
  /** True if what is registered under one name is told under the other. */
  sameUser(one: string, other: string): Promise<boolean>;
  /** Equal by the rule and one binding; or told apart both ways. */
  pair(id: string, says: string, left: string, right: string, same: boolean): Row;
  /** Bindings that two REGISTERs leave, each with one of these Contacts: one if they are the same. */
  bindingsOf(one: string, other: string): Promise<number>;
}

export const parsed = (text: string): SipUri => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(`${text}: ${uri.error}`);
  return uri.value;
};

export const isUri = (text: string): boolean => parseSipUri(text).ok;

export const equal = (left: string, right: string): boolean => {
  const [one, other] = [parsed(left), parsed(right)];
  expect(sipUriEquals(one, other)).toBe(sipUriEquals(other, one));
  return sipUriEquals(one, other);
};

export const nameOf = (text: string): string => {
  const name = locationName(text);
  if (!name.ok) throw new Error(`${text}: ${name.error}`);
  return aorOf(name.value);
};

/** Started before the tests of the file that calls it, stopped behind them. */
export const useUriRegistrar = (): UriRegistrar => {
  let server: TestServer;
  let phone: SipClient;
  let calls = 0;
  beforeAll(async () => {
    const domain = makeDomain('biloxi.com');
    const none = async () => ({ kind: 'none' as const });
    server = await startServer({
      domain,
      trust: trustOf([domain]),
      config: {
        publication: 'local',
        domain: ['biloxi.com', 'bücher.example'],
        aliases: ['192.0.2.80', '[2001:db8::80]'],
      },
      world: { dns: { naptr: none, srv: none, addresses: none } },
    });
    await server.app.ready;
    phone = await SipClient.open();
  });
  afterAll(async () => {
    await phone.close();
    await server.app.stop();
  });

  const register: UriRegistrar['register'] = (aor, contact) => {
    calls += 1;
    const given = contact === undefined ? {} : { contact: `<${contact}>` };
    return phone.register(server.sip, aor, { ...given, callId: `call-${calls}`, domain: 'biloxi.com' });
  };
  const statusOf: UriRegistrar['statusOf'] = async (aor, contact) => (await register(aor, contact)).status;
  const bindingsOf: UriRegistrar['bindingsOf'] = async (one, other) => {
    const aor = `sip:user${calls}@biloxi.com`;
    await register(aor, one);
    const answer = await register(aor, other);
    expect(answer.status).toBe(200);
    return answer.header('Contact').length;
  };
  return {
    address: () => server.sip,
    ask: (asked) => phone.ask(server.sip, asked),
    invite: (aor) => phone.invite(server.sip, aor),
    register,
    statusOf,
    bindingsOf,
    async sameUser(one, other) {
      const contact = `sip:x${calls}@192.0.2.4`;
      expect(await statusOf(one, contact)).toBe(200);
      return (await register(other)).header('Contact').join().includes(contact);
    },
    pair: (id, says, left, right, same) => ({
      id,
      says,
      when: `${left} ${same ? 'equals' : 'is not'} ${right}`,
      async shows() {
        expect(equal(left, right)).toBe(same);
        expect(canonicalContact(left) === canonicalContact(right)).toBe(same);
        expect(await bindingsOf(left, right)).toBe(same ? 1 : 2);
      },
    }),
  };
};
