import { expect, test } from 'vitest';
import { whatNext } from '../../../src/cli/what-next.ts';
import { parseConfig } from '../../../src/config.ts';

const shown = (tree: object, addresses: { sip: string | string[]; overlay?: string }): string => {
  const config = parseConfig(tree);
  if (!config.ok) throw new Error(config.error.join('\n'));
  const { sip, overlay } = addresses;
  const bound = { sip: [sip].flat(), admin: '127.0.0.1:9184', ...(overlay === undefined ? {} : { overlay }) };
  return whatNext(config.value, bound, false);
};

test('on loopback the bound addresses are told, and that there are no passwords', () => {
  const text = shown({}, { sip: 'udp:127.0.0.1:5060', overlay: '127.0.0.1:7184' });
  expect(text).toContain('registrar 127.0.0.1:5060, user NAME@localhost, any password');
  expect(text).toContain('--overlay.seeds 127.0.0.1:7184');
  expect(text).toContain('No passwords are asked for');
});

test('with wildcard listeners the advertised hosts are told, never 0.0.0.0', () => {
  const text = shown(
    {
      domain: 'biloxi.example',
      sip: { listen: ['udp:0.0.0.0:5060'], advertise: 'sip.biloxi.example', auth: { usersFile: 'users' } },
      overlay: { listen: '0.0.0.0:7184', advertise: '198.51.100.7:17184' },
      identity: { keyFile: 'key.pem' },
    },
    { sip: 'udp:0.0.0.0:5060', overlay: '0.0.0.0:7184' },
  );
  expect(text).toContain('registrar sip.biloxi.example:5060, user NAME@biloxi.example\n');
  expect(text).toContain('--via 198.51.100.7:17184');
  expect(text).not.toContain('0.0.0.0');
});

test('in local mode no ring is mentioned', () => {
  const text = shown({ publication: 'local' }, { sip: 'udp:127.0.0.1:5060' });
  expect(text).not.toMatch(/--via|--overlay/);
});

test('a client of the ring sends others to a member, not to itself', () => {
  const text = shown(
    {
      overlay: { role: 'client', listen: '0.0.0.0:7184', seeds: ['192.0.2.1:7184'] },
      identity: { keyFile: 'k' },
    },
    { sip: 'udp:127.0.0.1:5060', overlay: '0.0.0.0:7184' },
  );
  expect(text).toContain('--via 192.0.2.1:7184');
  expect(text).not.toContain('Join from another');
});

test('each kind of phone is told its listener: the first plain one, and the one for browsers', () => {
  const text = shown(
    {
      domain: 'biloxi.example',
      sip: {
        listen: ['wss:0.0.0.0:443', 'tls:0.0.0.0:5061=sips.biloxi.example:5061'],
        advertise: 'sip.biloxi.example',
        tls: { certFile: 'c', keyFile: 'k' },
        auth: { usersFile: 'users' },
      },
      identity: { keyFile: 'key.pem' },
    },
    { sip: ['wss:0.0.0.0:443', 'tls:0.0.0.0:5061'] },
  );
  expect(text).toContain('registrar sips.biloxi.example:5061 over TLS, user NAME@biloxi.example\n');
  expect(text).toContain('wss://sip.biloxi.example:443, user NAME@biloxi.example\n');
});

test('TLS is told beside the first listener', () => {
  const text = shown(
    {
      domain: 'biloxi.example',
      sip: {
        listen: ['udp:192.0.2.30:5060', 'tls:192.0.2.30:5061'],
        advertise: 'sip.biloxi.example',
        tls: { certFile: 'c', keyFile: 'k' },
        auth: { usersFile: 'users' },
      },
      identity: { keyFile: 'key.pem' },
    },
    { sip: ['udp:192.0.2.30:5060', 'tls:192.0.2.30:5061'] },
  );
  expect(text).toContain('registrar sip.biloxi.example:5060, user NAME@biloxi.example\n');
  expect(text).toMatch(/over TLS +sip\.biloxi\.example:5061\n/);
});
