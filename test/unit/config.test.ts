import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/config.ts';
import { isLoopbackOnly } from '../../src/config-loopback.ts';
import { registrarOf } from '../../src/config-of-domain.ts';
import { describeConfig } from '../../src/config-print.ts';
import { loadConfig } from '../../src/config-sources.ts';

const load = (yaml: string, environment: Record<string, string> = {}, flags: Record<string, string> = {}) =>
  loadConfig({ file: { path: '/etc/chordial/config.yaml', text: yaml }, environment, flags });

const config = (...args: Parameters<typeof load>) => {
  const loaded = load(...args);
  if (!loaded.ok) throw new Error(loaded.error.join('\n'));
  return loaded.value;
};

const problems = (...args: Parameters<typeof load>): readonly string[] => {
  const loaded = load(...args);
  return loaded.ok ? [] : loaded.error;
};

describe('defaults', () => {
  test('an empty configuration is a ring of one on loopback without passwords', () => {
    const parsed = parseConfig({});
    expect(parsed.ok && parsed.value.domain).toEqual(['localhost']);
    expect(parsed.ok && parsed.value.sip.auth.mode).toBe('none');
    expect(parsed.ok && isLoopbackOnly(parsed.value)).toBe(true);
  });

  test('the result cannot be changed', () => {
    expect(() => Object.assign(config('').overlay, { replicas: 1 })).toThrow(TypeError);
  });
});

describe('precedence', () => {
  test('flags win over environment, environment over file, file over defaults', () => {
    const yaml = 'registrar: {minExpiresSec: 10, maxExpiresSec: 1000, defaultExpiresSec: 100}';
    const env = {
      CHORDIAL_REGISTRAR__MAX_EXPIRES_SEC: '2000',
      CHORDIAL_REGISTRAR__DEFAULT_EXPIRES_SEC: '200',
    };
    const { registrar } = config(yaml, env, { 'registrar.defaultExpiresSec': '300' });
    expect(registrar).toEqual({
      minExpiresSec: 10,
      maxExpiresSec: 2000,
      defaultExpiresSec: 300,
      maxContacts: 10,
    });
  });

  test.each([
    ['comma-separated', 'a.example:7184, [::1]:7185'],
    ['a JSON array', '["a.example:7184","[::1]:7185"]'],
  ])('a list in the environment may be %s', (_, text) => {
    expect(config('', { CHORDIAL_OVERLAY__SEEDS: text }).overlay.seeds).toEqual([
      { host: 'a.example', port: 7184 },
      { host: '::1', port: 7185 },
    ]);
  });

  test('what Kubernetes injects for a service called chordial is ignored', () => {
    const env = {
      CHORDIAL_SERVICE_HOST: '10.0.0.1',
      CHORDIAL_PORT: 'tcp://10.0.0.1:5060',
      CHORDIAL_PORT_5060_UDP: 'x',
    };
    expect(problems('', env)).toEqual([]);
  });

  test('an empty number is refused, not read as 0', () => {
    expect(problems('', { CHORDIAL_REGISTRAR__MIN_EXPIRES_SEC: '' })).toEqual([
      'registrar.minExpiresSec: must be a number',
    ]);
  });

  test('relative paths of certificates too, also of a domain', () => {
    const { sip, domains } = config(
      'sip: {listen: ["tls:127.0.0.1:0"], tls: {certFile: c, keyFile: k}}\ndomains: {localhost: {tls: {certFile: d, keyFile: e}}}',
    );
    expect(sip.tls).toEqual({ certFile: '/etc/chordial/c', keyFile: '/etc/chordial/k', caFile: '' });
    expect(domains['localhost']?.tls).toEqual({ certFile: '/etc/chordial/d', keyFile: '/etc/chordial/e' });
  });

  test('relative paths in the file are relative to the file', () => {
    expect(config('sip: {auth: {usersFile: users}}').sip.auth.usersFile).toBe('/etc/chordial/users');
  });
});

describe('problems', () => {
  test('a key that is missing hides no problem of another', () => {
    const said = problems(
      'domains: {localhost: {tls: {certFile: c}}}\nregistrar: {minExpiresSec: 600, maxExpiresSec: 60, defaultExpiresSec: 60}',
    );
    expect(said).toEqual([
      'domains.localhost.tls.keyFile: is missing',
      'registrar.minExpiresSec: 600 is more than maxExpiresSec 60',
      'registrar.defaultExpiresSec: 60 is not between minExpiresSec and maxExpiresSec',
    ]);
  });

  test('what is wrong with a common key is told once, whatever domains there are', () => {
    const said = problems(
      'domain: [a.example, b.example]\ndomains: {b.example: {aliases: [c.example]}}\nregistrar: {maxExpiresSec: 7200}',
    );
    expect(said.map((problem) => problem.split(':')[0])).toEqual(['registrar.maxExpiresSec']);
  });

  test('unknown keys, bad values and impossible combinations of all sources are told together', () => {
    const yaml = 'foo: 1\nsip: {listen: ["quic:127.0.0.1:1"], bar: 2}\nregistrar: {maxExpiresSec: 7200}';
    const said = problems(yaml, { CHORDIAL_NOPE: '1' }, { 'log.level': 'loud' });
    for (const start of [
      'environment CHORDIAL_NOPE',
      'foo:',
      'sip.bar:',
      'sip.listen.0:',
      'log.level:',
      'registrar.maxExpiresSec:',
    ])
      expect(
        said.filter((problem) => problem.startsWith(start)),
        start,
      ).toHaveLength(1);
  });

  test.each<[string, string, string]>([
    [
      'a wildcard listener without an address for others',
      'sip: {listen: ["udp:0.0.0.0:5060"], auth: {usersFile: u}}\nidentity: {keyFile: k}',
      'sip.advertise',
    ],
    [
      'no passwords beyond loopback',
      'sip: {listen: ["udp:192.0.2.1:5060"], auth: {mode: none}}\nidentity: {keyFile: k}',
      'sip.auth.mode',
    ],
    ['passwords without a user file', 'sip: {auth: {mode: digest}}', 'sip.auth.usersFile'],
    ['a TLS listener without a certificate', 'sip: {listen: ["tls:127.0.0.1:5061"]}', 'sip.tls.certFile'],
    ['a WSS listener without a certificate', 'sip: {listen: ["wss:127.0.0.1:443"]}', 'sip.tls.certFile'],
    ['a certificate without its key', 'sip: {tls: {certFile: c}}', 'sip.tls.keyFile'],
    ['a key without its certificate', 'sip: {tls: {keyFile: k}}', 'sip.tls.certFile'],
    [
      'a certificate of a domain without its key',
      'domains: {localhost: {tls: {certFile: c}}}',
      'domains.localhost.tls.keyFile',
    ],
    [
      'a certificate of a domain where nothing listens with TLS',
      'domains: {localhost: {tls: {certFile: c, keyFile: k}}}',
      'domains.localhost.tls',
    ],
    [
      'TLS on the port of TCP',
      'sip: {listen: ["tcp:127.0.0.1:7", "tls:127.0.0.1:7"], tls: {certFile: c, keyFile: k}}',
      'sip.listen',
    ],
    [
      'an origin with a path',
      'sip: {webSocket: {origins: ["https://phone.example.com/app"]}}',
      'sip.webSocket.origins.0',
    ],
    ['proxying, which comes later', 'sip: {invite: proxy}', 'sip.invite'],
    ['a lifetime that the ring does not keep', 'registrar: {maxExpiresSec: 7200}', 'registrar.maxExpiresSec'],
    ['a minimum above the maximum', 'registrar: {minExpiresSec: 4000}', 'registrar.minExpiresSec'],
    ['more virtual nodes than copies allow', 'overlay: {replicas: 4, vnodes: 12}', 'overlay.vnodes'],
    ['no virtual node', 'overlay: {vnodes: 0}', 'overlay.vnodes'],
    ['fewer successors than replicas', 'overlay: {successors: 2}', 'overlay.successors'],
    ['a client without seeds', 'overlay: {role: client}', 'overlay.seeds'],
    ['no key beyond loopback', 'overlay: {listen: "192.0.2.1:7184"}', 'identity.keyFile'],
    ['an open admin port', 'admin: {listen: "192.0.2.1:9184"}', 'admin.tokenFile'],
    [
      'overrides for a domain that is not ours',
      'domains: {other.example: {registrar: {minExpiresSec: 90}}}',
      'domains.other.example',
    ],
    ['a range that is none', 'limits: {trusted: ["10.0.0.0/33"]}', 'limits.trusted.0'],
    ['a list instead of a file of keys', '- a\n- b', '/etc/chordial/config.yaml'],
    ['YAML that does not parse', 'a: [', '/etc/chordial/config.yaml'],
    ['an alias without its anchor', 'a: *nope', '/etc/chordial/config.yaml'],
    [
      'aliases of aliases that would fill the memory',
      `a: &a [x${',x'.repeat(20)}]\nb: &b [*a${',*a'.repeat(20)}]\nc: [*b${',*b'.repeat(20)}]`,
      '/etc/chordial/config.yaml',
    ],
    ['no domain at all', 'domain: []', 'domain'],
    ['a domain that is none', 'domain: ["a.example", "b c"]', 'domain.1'],
    [
      'an alias that is a domain of its own',
      'domain: [a.example, b.example]\naliases: [B.example]',
      'aliases',
    ],
    [
      'a domain with two sets of keys, spelled twice',
      'domain: [a.example, b.example]\ndomains: {B.Example.: {aliases: [c.example]}, b.example: {registrar: {maxContacts: 5}}}',
      'domains.b.example',
    ],
    [
      'an alias of two domains',
      'domain: [a.example, b.example]\naliases: [c.example]\ndomains: {b.example: {aliases: [c.example]}}',
      'domains.b.example.aliases',
    ],
    ['a domain twice', 'domain: [a.example, A.example]', 'domain'],
    [
      'a domain without users beside one that has a file of its own',
      'domain: [a.example, b.example]\ndomains: {b.example: {auth: {usersFile: u}}}',
      'domains.a.example.auth.usersFile',
    ],
    [
      'one algorithm twice in one domain',
      'domains: {localhost: {auth: {algorithms: [MD5, MD5]}}}',
      'domains.localhost.auth.algorithms',
    ],
    [
      'no key of its own beyond loopback',
      'domain: [a.example, b.example]\nidentity: {keyFile: k}\noverlay: {listen: "192.0.2.1:7184"}',
      'domains.b.example.identity',
    ],
    [
      'two keys of the first domain',
      'domains: {localhost: {identity: {keyFile: k}}}',
      'domains.localhost.identity',
    ],
    ['a peer that is no address', 'sip: {auth: {trustedPeers: [pbx.example]}}', 'sip.auth.trustedPeers.0'],
    [
      'a peer by what is no transport',
      'sip: {auth: {trustedPeers: ["sctp:192.0.2.1"]}}',
      'sip.auth.trustedPeers.0',
    ],
    ['everybody as a peer', 'sip: {auth: {trustedPeers: [0.0.0.0/0]}}', 'sip.auth.trustedPeers.0'],
    ['one algorithm twice', 'sip: {auth: {algorithms: [MD5, MD5]}}', 'sip.auth.algorithms'],
    [
      'an address that leads to no wildcard listener',
      'publication: local\nsip: {listen: ["udp:[::]:5060"], advertise: 192.0.2.1, auth: {usersFile: u}}',
      'sip.advertise',
    ],
    ['a port in sip.advertise', 'sip: {advertise: "host.example:5060"}', 'sip.advertise'],
    ['every address as the one to reach us at', 'sip: {advertise: "0.0.0.0"}', 'sip.advertise'],
    ['a listener advertised as every address', 'sip: {listen: ["udp:127.0.0.1:0=[::]:0"]}', 'sip.listen.0'],
    ['IPv6 without brackets', 'sip: {listen: ["udp:::1:5060"]}', 'sip.listen.0'],
    ['a port that is none', 'sip: {listen: ["udp:127.0.0.1:65536"]}', 'sip.listen.0'],
    ['a name to bind', 'sip: {listen: ["udp:localhost:5060"]}', 'sip.listen.0'],
    ['the same listener twice', 'sip: {listen: ["udp:127.0.0.1:7", "udp:127.0.0.1:7"]}', 'sip.listen'],
    ['the overlay on the port of SIP', 'overlay: {listen: "127.0.0.1:5060"}', 'overlay.listen'],
    ['the admin server on the port of SIP', 'admin: {listen: "0.0.0.0:5060"}', 'admin.listen'],
    ['a name as the address of the ring', 'overlay: {listen: "localhost:7184"}', 'overlay.listen'],
    ['a name to reach a member at', 'overlay: {advertise: "a.example"}', 'overlay.advertise'],
    ['an address of the other family', 'overlay: {advertise: "2001:db8::1"}', 'overlay.advertise'],
    ['a seed without a port', 'overlay: {seeds: ["a.example:0"]}', 'overlay.seeds.0'],
  ])('%s', (_, yaml, path) => {
    expect(problems(yaml).map((problem) => problem.split(': ')[0])).toContain(path);
  });

  test('a port may serve UDP and TCP, and 0 any number of listeners', () => {
    expect(
      problems('sip: {listen: ["udp:127.0.0.1:5", "tcp:127.0.0.1:5", "udp:127.0.0.1:0", "udp:127.0.0.1:0"]}'),
    ).toEqual([]);
  });

  test('a long lifetime is fine in local mode, where no ring keeps it', () => {
    expect(problems('publication: local\nregistrar: {maxExpiresSec: 7200}')).toEqual([]);
  });
});

describe('per-domain settings', () => {
  const yaml = `domain: [a.example, b.example]
domains: {b.example: {registrar: {maxExpiresSec: 600, defaultExpiresSec: 600}}}`;

  test('override only what they name', () => {
    const parsed = config(yaml);
    expect(registrarOf(parsed, 'b.example')).toEqual({
      minExpiresSec: 60,
      maxExpiresSec: 600,
      defaultExpiresSec: 600,
      maxContacts: 10,
    });
    expect(registrarOf(parsed, 'a.example').maxExpiresSec).toBe(3600);
  });
});

test('a domain with a user file of its own has passwords asked for everywhere', () => {
  const yaml = 'domains: {localhost: {auth: {usersFile: u}}}';
  expect(config(yaml).sip.auth.mode).toBe('digest');
  expect(config(yaml).domains['localhost']?.auth?.usersFile).toBe('/etc/chordial/u');
});

describe('the effective configuration, printed', () => {
  test.each([
    ['the default', ''],
    [
      'every kind of value',
      `domain: [a.example, Bücher.example]
aliases: [www.a.example]
domains:
  a.example: {registrar: {maxExpiresSec: 600, defaultExpiresSec: 600}}
  Bücher.example:
    aliases: [www.bücher.example]
    auth: {usersFile: books, secretFile: other, algorithms: [SHA-256, MD5], trustedPeers: ["tcp:192.0.2.9", "fd00::/64"]}
    identity: {keyFile: books.pem, selector: 1}
publication: hybrid
sip:
  listen: ["udp:[::]:5060=[2001:DB8::1]:5070", "tcp:0.0.0.0:0=sip.a.example:5060"]
  advertise: "[2001:db8:0:0::2]"
  auth: {usersFile: users, secretFile: secret, trustedPeers: [192.0.2.0/28]}
overlay: {listen: "[::]:0", advertise: "[2001:db8::1]:7184", seeds: ["[::1]:7184", "b.example:7184"]}
identity: {keyFile: key.pem, selector: 3}
admin: {listen: "[::]:9184", tokenFile: token}
limits: {trusted: []}`,
    ],
  ])('is a configuration with the same effect: %s', (_, yaml) => {
    const before = config(yaml);
    const printed = stringify(describeConfig(before));
    expect(config(printed)).toEqual(before);
  });
});
