// RFC 3261 §19.1.1, the components of SIP and SIPS URIs: every sentence and every example, by the reader of URIs and at a registrar over UDP.
import { expect } from 'vitest';
import { formatSipUri } from '../../../src/uri/parse.ts';
import { defaultPort } from '../../../src/uri/self.ts';
import { clause } from '../../support/clause.ts';
import { isUri, parsed, useUriRegistrar } from '../../support/uri-registrar.ts';

const { address, ask, register, sameUser, statusOf } = useUriRegistrar();

clause('RFC 3261 §19.1.1 SIP and SIPS URI Components', [
  {
    id: '19.1.1-1',
    says: 'sip:user:password@host:port;uri-parameters?headers',
    shows: () => {
      expect(parsed('sip:user:password@host:5070;transport=tcp;lr?subject=x')).toEqual({
        scheme: 'sip',
        user: 'user',
        password: 'password',
        host: 'host',
        port: 5070,
        params: [{ name: 'transport', value: 'tcp' }, { name: 'lr' }],
        headers: 'subject=x',
      });
    },
  },
  {
    id: '19.1.1-2',
    says: 'If the @ sign is present in a SIP or SIPS URI, the user field MUST NOT be empty.',
    shows: async () => {
      expect([isUri('sip:@biloxi.com'), isUri('sip::pw@biloxi.com'), isUri('sip:biloxi.com')]).toEqual([
        false,
        false,
        true,
      ]);
      expect(await statusOf('sip:@biloxi.com')).toBe(400);
    },
  },
  {
    id: '19.1.1-3',
    says: 'Implementations not wishing to give special significance to the password portion of the field MAY simply treat "user:password" as a single string.',
    when: 'a name has none; a contact keeps it',
    shows: async () => {
      expect(await sameUser('sip:bob:secret@biloxi.com', 'sip:bob@biloxi.com')).toBe(true);
      expect(formatSipUri(parsed('sip:bob:secret@192.0.2.4'))).toBe('sip:bob:secret@192.0.2.4');
    },
  },
  {
    id: '19.1.1-4',
    says: 'The host part contains either a fully-qualified domain name or numeric IPv4 or IPv6 address.',
    shows: () => {
      const good = [
        'sip:a@b',
        'sip:a@b.example.',
        'sip:a@192.0.2.4',
        'sip:a@[2001:db8::1]',
        'sip:a@[::ffff:192.0.2.4]',
        'sip:a@xn--bcher-kva.example',
      ];
      const bad = [
        'sip:a@',
        'sip:a@.',
        'sip:a@b..c',
        'sip:a@256.0.0.1',
        'sip:a@1.2.3',
        'sip:a@2001:db8::1',
        'sip:a@[2001:db8::1',
        'sip:a@[1.2.3.4]',
        'sip:a@b c',
        'sip:a@b/c',
        'sip:a@-!',
      ];
      expect(good.filter((uri) => !isUri(uri))).toEqual([]);
      expect(bad.filter(isUri)).toEqual([]);
    },
  },
  {
    id: '19.1.1-5',
    says: 'any given parameter-name MUST NOT appear more than once.',
    shows: async () => {
      expect(isUri('sip:a@b;x=1;X=2')).toBe(false);
      expect(await statusOf('sip:a@biloxi.com', 'sip:a@192.0.2.4;x=1;x=2')).toBe(400);
    },
  },
  {
    id: '19.1.1-6',
    says: 'any given parameter-name MUST NOT appear more than once.',
    when: 'said twice alike',
    fails: 'baresip repeats its transport; said twice alike it means one thing',
    shows: () => expect(isUri('sip:a@b;transport=udp;transport=udp')).toBe(false),
  },
  {
    id: '19.1.1-7',
    says: 'For a SIPS URI, the transport parameter MUST indicate a reliable transport.',
    notOurs:
      'such a contact is kept and told; no request is sent to it (test/spec/proxy/rfc3263-4.1.test.ts)',
  },
  {
    id: '19.1.1-8',
    says: 'The maddr parameter indicates the server address to be contacted for this user, overriding any address derived from the host field.',
    when: 'a contact whose maddr is this server leads back here',
    shows: async () => {
      const { host, port } = address();
      expect(await statusOf('sip:a@biloxi.com', `sip:a@192.0.2.4:${port};maddr=${host}`)).toBe(403);
    },
  },
  {
    id: '19.1.1-9',
    says: 'The ttl parameter … MUST only be used if maddr is a multicast address and the transport protocol is UDP.',
    notOurs: 'kept and told as registered; nothing is sent by multicast',
  },
  {
    id: '19.1.1-10',
    says: 'If the user string contains a telephone number formatted as a telephone-subscriber, the user parameter value "phone" SHOULD be present. Even without this parameter, recipients … MAY interpret the pre-@ part as a telephone number',
    when: 'with it and without it the same user is meant (§10.3 step 5)',
    shows: async () => {
      expect(await sameUser('sip:+15551234@biloxi.com;user=phone', 'sip:+15551234@biloxi.com')).toBe(true);
      expect(await sameUser('sip:+15551235@biloxi.com;user=ip', 'sip:+15551235@biloxi.com;user=phone')).toBe(
        true,
      );
    },
  },
  {
    id: '19.1.1-11',
    says: 'SIP elements MUST silently ignore any uri-parameters that they do not understand.',
    shows: async () => {
      expect(await sameUser('sip:ann@biloxi.com;x;y=z', 'sip:ann@biloxi.com')).toBe(true);
      const answer = await register('sip:ann2@biloxi.com', 'sip:ann@192.0.2.4;x;y=z');
      expect(answer.header('Contact').join()).toContain('<sip:ann@192.0.2.4;x;y=z>');
    },
  },
  {
    id: '19.1.1-12',
    says: 'Elements processing URIs SHOULD ignore any disallowed components if they are present.',
    when: 'port, transport and maddr in a To',
    shows: async () => {
      const { port } = address();
      expect(await sameUser(`sip:cy@biloxi.com:${port};transport=tcp;ttl=1`, 'sip:cy@biloxi.com')).toBe(true);
    },
  },
  {
    id: '19.1.1-13',
    says: 'Elements processing URIs SHOULD ignore any disallowed components if they are present.',
    when: 'headers in a Request-URI',
    fails: 'refused with a 400, which RFC 4475 §3.1.2.11 allows: what they would mean nobody can know',
    shows: async () => {
      const answer = await ask({
        method: 'OPTIONS',
        uri: 'sip:biloxi.com?subject=x',
        from: 'sip:a@b',
        to: 'sip:biloxi.com',
      });
      expect(answer.status).toBe(200);
    },
  },
  {
    id: '19.1.1-14',
    says: 'The default port value is transport and scheme dependent. The default is 5060 for sip: using UDP, TCP, or SCTP. The default is 5061 for sip: using TLS over TCP and sips: over TCP.',
    shows: () => {
      const ports = [
        'sip:b',
        'sip:b;transport=tcp',
        'sip:b;transport=sctp',
        'sip:b;transport=tls',
        'sips:b',
        'sips:b;transport=tcp',
      ];
      expect(ports.map((text) => defaultPort(parsed(text)))).toEqual([5060, 5060, 5060, 5061, 5061, 5061]);
    },
  },
]);
