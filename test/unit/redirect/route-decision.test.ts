import { describe, expect, test } from 'vitest';
import { FlowTokens } from '../../../src/auth/flow-token.ts';
import { type RouteDecision, routeDecision } from '../../../src/redirect/route-decision.ts';
import { createSelf } from '../../../src/uri/self.ts';
import { type GivenRequest, requestOf, routesOf } from '../../support/forward-messages.ts';

const self = createSelf({
  domains: ['biloxi.com', 'second.example'],
  aliases: ['bx.example'],
  listeners: [{ bound: { host: '192.0.2.1', port: 5060 }, advertised: { host: '192.0.2.1', port: 5060 } }],
});
const tokens = new FlowTokens(Buffer.from('secret'));
const NOW_MS = 1_800_000_000_000;
const token = tokens.sign({ callId: 'call-1', callerTag: 'a1' }, NOW_MS);
const ownRoute = `<sip:${token}@192.0.2.1:5060;lr>`;

const decide = (given: GivenRequest, routes: readonly string[] = []): RouteDecision =>
  routeDecision(requestOf(given), routesOf(...routes), {
    self,
    userFor: (name) => (name.user === 'nobody' ? undefined : name),
    isToken: (text, dialog) => tokens.check(text, dialog, NOW_MS),
  });

/** A decision in one line. */
const told = (decision: RouteDecision): string => {
  switch (decision.kind) {
    case 'refuse':
      return String(decision.reply.status);
    case 'look-up': {
      const { user, domain } = decision.name;
      const otherwise = decision.otherwise === 'unavailable' ? '480' : `forward ${decision.otherwise.uri}`;
      return `look up ${user}@${domain}, else ${otherwise}`;
    }
    default: {
      const { uri, routes } = decision.plan;
      return [decision.kind, uri, ...routes.map(({ text }) => `via ${text}`)].join(' ');
    }
  }
};

describe('a request for a user of ours', () => {
  test.each([
    ['sip:bob@biloxi.com', 'look up bob@biloxi.com, else 480'],
    ['sips:bob@biloxi.com', 'look up bob@biloxi.com, else 480'],
    ['sip:bob@BILOXI.com:5060;transport=udp', 'look up bob@biloxi.com, else 480'],
    ['sip:b%6Fb@biloxi.com', 'look up bob@biloxi.com, else 480'],
    ['sip:bob@second.example', 'look up bob@second.example, else 480'],
    ['sip:bob@bx.example', 'look up bob@biloxi.com, else 480'],
    ['sip:bob@192.0.2.1', 'look up bob@biloxi.com, else 480'],
    ['sip:nobody@biloxi.com', '404'],
    ['sip:biloxi.com', '404'],
    ['sip:192.0.2.1', '404'],
  ])('%s: %s', (uri, decision) => {
    expect(told(decide({ uri }))).toBe(decision);
  });

  test.each(['INVITE', 'MESSAGE', 'OPTIONS', 'REFER', 'NOTIFY', 'INFO', 'UPDATE', 'PRACK', 'BYE'])(
    '%s is looked up like an INVITE',
    (method) => {
      expect(told(decide({ method, uri: 'sip:bob@biloxi.com' }))).toBe('look up bob@biloxi.com, else 480');
    },
  );

  test('comes with our own address as a Route, as phones with an outbound proxy send it', () => {
    expect(told(decide({ uri: 'sip:bob@biloxi.com' }, ['<sip:biloxi.com;lr>']))).toBe(
      'look up bob@biloxi.com, else 480',
    );
  });

  test.each(['BYE', 'INVITE', 'MESSAGE'])('%s within a dialog that is none of ours gets 481', (method) => {
    expect(told(decide({ method, uri: 'sip:bob@biloxi.com', to: '<sip:bob@biloxi.com>;tag=b1' }))).toBe(
      '481',
    );
  });

  test('within a dialog gets 481 even with our token: an AOR is no remote target', () => {
    expect(
      told(
        decide({ method: 'BYE', uri: 'sip:bob@biloxi.com', to: '<sip:bob@biloxi.com>;tag=b1' }, [ownRoute]),
      ),
    ).toBe('481');
  });

  test.each([
    ['message-summary', '489'],
    ['Reg;x=1', '489'],
    ['presence', 'look up bob@biloxi.com, else 480'],
    ['dialog', 'look up bob@biloxi.com, else 480'],
  ])('SUBSCRIBE to %s: %s', (event, decision) => {
    expect(told(decide({ method: 'SUBSCRIBE', uri: 'sip:bob@biloxi.com', rows: [`Event: ${event}`] }))).toBe(
      decision,
    );
  });

  test('PUBLISH, which twinkle sends unasked, gets 489', () => {
    expect(told(decide({ method: 'PUBLISH', uri: 'sip:alice@biloxi.com', rows: ['Event: presence'] }))).toBe(
      '489',
    );
  });

  test('489 says which events there are (RFC 6665 §8.2.2)', () => {
    const decision = decide({ method: 'SUBSCRIBE', uri: 'sip:bob@biloxi.com', rows: ['Event: reg'] });
    expect(decision.kind === 'refuse' && decision.reply.headers?.[0]?.[0]).toBe('Allow-Events');
  });
});

describe('a request for somebody else', () => {
  test.each([
    ['sip:bob@example.com', 'look up bob@example.com, else forward sip:bob@example.com'],
    [
      'sip:bob@example.com;transport=tcp',
      'look up bob@example.com, else forward sip:bob@example.com;transport=tcp',
    ],
    ['sip:bob@example.com:5060', 'look up bob@example.com, else forward sip:bob@example.com:5060'],
    ['sip:bob@192.0.2.7', 'look up bob@192.0.2.7, else forward sip:bob@192.0.2.7'],
    ['sip:bob@example.com:5080', 'forward-for-user sip:bob@example.com:5080'],
    ['sip:bob@127.0.0.1:35120;transport=udp', 'forward-for-user sip:bob@127.0.0.1:35120;transport=udp'],
    ['sip:bob@192.0.2.7;transport=udp', 'forward-for-user sip:bob@192.0.2.7;transport=udp'],
    ['sip:bob@192.0.2.1:5070', 'forward-for-user sip:bob@192.0.2.1:5070'],
    ['sip:bob@example.com;maddr=192.0.2.9', 'forward-for-user sip:bob@example.com;maddr=192.0.2.9'],
    ['sip:example.com', 'forward-for-user sip:example.com'],
    ['tel:+15551234', '416'],
    ['mailto:bob@biloxi.com', '416'],
    ['sip:bob@', '400'],
  ])('%s: %s', (uri, decision) => {
    expect(told(decide({ uri }))).toBe(decision);
  });

  test('with our Route, as baresip with outbound= sends a redirected INVITE', () => {
    expect(told(decide({ uri: 'sip:bob@127.0.0.1:35120' }, ['<sip:192.0.2.1:5060;lr>']))).toBe(
      'forward-for-user sip:bob@127.0.0.1:35120',
    );
  });

  test('goes by the Routes that are left', () => {
    expect(told(decide({ uri: 'sip:bob@example.com' }, ['<sip:192.0.2.1;lr>', '<sip:p.example;lr>']))).toBe(
      'forward-for-user sip:bob@example.com via <sip:p.example;lr>',
    );
  });

  test('a Route of a third party is no way round the question who calls', () => {
    expect(told(decide({ uri: 'sip:bob@biloxi.com' }, ['<sip:victim.example;lr>']))).toBe(
      'forward-for-user sip:bob@biloxi.com via <sip:victim.example;lr>',
    );
  });

  test('within a dialog without our token is forwarded for our own users alone', () => {
    expect(
      told(decide({ method: 'BYE', uri: 'sip:bob@example.com', to: '<sip:bob@example.com>;tag=b1' })),
    ).toBe('forward-for-user sip:bob@example.com');
  });
});

describe('a request with our token', () => {
  const inDialog = {
    method: 'BYE',
    uri: 'sip:bob@192.0.2.7:5070',
    to: '<sip:bob@example.com>;tag=b1',
  } as const;

  test('passes from the caller', () => {
    expect(told(decide(inDialog, [ownRoute]))).toBe('pass sip:bob@192.0.2.7:5070');
  });

  test('passes from the callee, who has the tags the other way round', () => {
    const back = { ...inDialog, from: '<sip:bob@example.com>;tag=b1', to: '<sip:alice@biloxi.com>;tag=a1' };
    expect(told(decide(back, [ownRoute]))).toBe('pass sip:bob@192.0.2.7:5070');
  });

  test('passes through both of our sides (RFC 5658)', () => {
    expect(told(decide(inDialog, [ownRoute, `<sip:${token}@192.0.2.1:5060;transport=tcp;lr>`]))).toBe(
      'pass sip:bob@192.0.2.7:5070',
    );
  });

  test('passes on by the Routes behind ours', () => {
    expect(told(decide(inDialog, [ownRoute, '<sip:p.example;lr>']))).toBe(
      'pass sip:bob@192.0.2.7:5070 via <sip:p.example;lr>',
    );
  });

  test('from a strict router gets its Request-URI back (RFC 3261 §16.4)', () => {
    const strict = { ...inDialog, uri: `sip:${token}@192.0.2.1:5060;lr` };
    expect(told(decide(strict, ['<sip:p.example;lr>', '<sip:bob@192.0.2.7:5070>']))).toBe(
      'pass sip:bob@192.0.2.7:5070 via <sip:p.example;lr>',
    );
  });

  test.each([
    ['of another dialog', { ...inDialog, callId: 'call-2' }, ownRoute],
    ['with other tags', { ...inDialog, from: '<sip:alice@biloxi.com>;tag=x' }, ownRoute],
    ['outside any dialog', { ...inDialog, method: 'INVITE', to: '<sip:bob@example.com>' }, ownRoute],
    [
      'that somebody else signed',
      inDialog,
      `<sip:${new FlowTokens(Buffer.from('guess')).sign({ callId: 'call-1', callerTag: 'a1' }, NOW_MS)}@192.0.2.1;lr>`,
    ],
    [
      'that is a year old',
      inDialog,
      `<sip:${tokens.sign({ callId: 'call-1', callerTag: 'a1' }, 1)}@192.0.2.1;lr>`,
    ],
    ['that names a user of ours', inDialog, '<sip:alice@192.0.2.1;lr>'],
  ])('does not pass with a token %s', (_, given, route) => {
    expect(decide(given, [route]).kind).toBe('forward-for-user');
  });

  test('does not pass with a token in somebody else’s Route', () => {
    expect(decide(inDialog, [`<sip:${token}@p.example;lr>`]).kind).toBe('forward-for-user');
  });

  test('does not get a Request-URI back for a token that stands at somebody else’s host', () => {
    const strict = { ...inDialog, uri: `sip:${token}@p.example:5080;lr` };
    expect(told(decide(strict, ['<sip:bob@192.0.2.7:5070>']))).toBe(
      `forward-for-user ${strict.uri} via <sip:bob@192.0.2.7:5070>`,
    );
  });

  test('does not pass with a token behind a third party’s Route', () => {
    expect(decide(inDialog, ['<sip:p.example;lr>', ownRoute]).kind).toBe('forward-for-user');
  });
});
