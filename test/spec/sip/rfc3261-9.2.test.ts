// RFC 3261 §9.2, what a server does with a CANCEL, sentence by sentence over real sockets.
import { afterEach, beforeEach, expect } from 'vitest';
import type { ServerTransaction } from '../../../src/sip/types.ts';
import { clause } from '../../support/clause.ts';
import { parseAnswer, type SipAnswer } from '../../support/sip-client.ts';
import type { UdpPeer } from '../../support/sip-peers.ts';
import { type RequestText, requestText } from '../../support/sip-request.ts';
import { type SipWorld, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
let phone: UdpPeer;
let passed: ServerTransaction[];

beforeEach(async () => {
  world = await sipWorld();
  phone = await world.udpPeer();
  passed = [];
  const take = (transaction: ServerTransaction): Promise<void> => {
    passed.push(transaction);
    return new Promise(() => undefined);
  };
  for (const method of ['INVITE', 'MESSAGE'] as const) world.server.handle(method, take);
});
afterEach(() => world.close());

const via = (branch: string) => `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=${branch}`;
const next = async (): Promise<SipAnswer> => parseAnswer((await phone.next()).text);
const ask = (given: RequestText): Promise<SipAnswer> => {
  phone.send(requestText({ via: via('z9hG4bKone'), ...given }), world.udp);
  return next();
};
let fences = 0;
/** All that was sent has been looked at, and is not answered. */
const quiet = async (): Promise<void> => {
  fences += 1;
  const callId = `fence-${fences}`;
  const answer = await ask({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: via(`z9hG4bK${callId}`),
    callId,
  });
  expect(answer.header('Call-ID')).toEqual([callId]);
};
/** A request that the transaction user has and has not answered. */
const begun = async (method: 'INVITE' | 'MESSAGE'): Promise<ServerTransaction> => {
  phone.send(requestText({ via: via('z9hG4bKone'), method }), world.udp);
  await quiet();
  const [transaction] = passed;
  if (transaction === undefined) throw new Error('nothing was passed on');
  return transaction;
};
const said = ({ status, header }: SipAnswer): string => `${status} ${header('CSeq')[0]}`;

clause('RFC 3261 §9.2 Server Behavior', [
  {
    id: '9.2-1',
    says: 'The TU determines the transaction to be cancelled by taking the CANCEL request, and then assuming that the request method is anything but CANCEL or ACK and applying the transaction matching procedures of Section 17.2.3.',
    shows: async () => {
      await begun('INVITE');
      expect((await ask({ method: 'CANCEL', via: via('z9hG4bKtwo') })).status).toBe(481);
      expect(said(await ask({ method: 'CANCEL' }))).toBe('200 1 CANCEL');
    },
  },
  {
    id: '9.2-2',
    says: 'they cannot be challenged by the server in order to get proper credentials in an Authorization header field',
    notOurs: 'in the table of §22.1',
  },
  {
    id: '9.2-3',
    says: 'If the UAS did not find a matching transaction for the CANCEL according to the procedure above, it SHOULD respond to the CANCEL with a 481',
    shows: async () => expect((await ask({ method: 'CANCEL' })).status).toBe(481),
  },
  {
    id: '9.2-4',
    says: 'If it has, the CANCEL request has no effect on the processing of the original request, no effect on any session state, and no effect on the responses generated for the original request.',
    shows: async () => {
      (await begun('INVITE')).reply({ status: 302 });
      expect((await next()).status).toBe(302);
      expect(said(await ask({ method: 'CANCEL' }))).toBe('200 1 CANCEL');
      await quiet();
      expect(said(await ask({}))).toBe('302 1 INVITE');
    },
  },
  {
    id: '9.2-5',
    says: 'If the original request was an INVITE, the UAS SHOULD immediately respond to the INVITE with a 487 (Request Terminated).',
    shows: async () => {
      const transaction = await begun('INVITE');
      await ask({ method: 'CANCEL' });
      expect(said(await next())).toBe('487 1 INVITE');
      // What the handler finds afterwards is not heard.
      transaction.reply({ status: 302 });
      expect(transaction.done).toBe(true);
      await quiet();
    },
  },
  {
    id: '9.2-6',
    says: 'A CANCEL request has no impact on the processing of transactions with any other method defined in this specification.',
    shows: async () => {
      const transaction = await begun('MESSAGE');
      await ask({ method: 'CANCEL' });
      await quiet();
      transaction.reply({ status: 404 });
      expect(said(await next())).toBe('404 1 MESSAGE');
    },
  },
  {
    id: '9.2-7',
    says: 'Regardless of the method of the original request, as long as the CANCEL matched an existing transaction, the UAS answers the CANCEL request itself with a 200 (OK) response.',
    when: 'under way, and after its answer',
    shows: async () => {
      const transaction = await begun('MESSAGE');
      expect(said(await ask({ method: 'CANCEL' }))).toBe('200 1 CANCEL');
      transaction.reply({ status: 404 });
      await next();
      expect(said(await ask({ method: 'CANCEL' }))).toBe('200 1 CANCEL');
    },
  },
  {
    id: '9.2-8',
    says: 'the To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be the same',
    shows: async () => {
      await begun('INVITE');
      const [first, second] = [await ask({ method: 'CANCEL' }), await next()];
      expect(first.header('To')[0]).toMatch(/;tag=/);
      expect(second.header('To')).toEqual(first.header('To'));
    },
  },
]);
