import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';

test.each<[object, string]>([
  [{ publication: 'publik' }, 'publication: must be one of local, public, hybrid'],
  [{ registrar: { minExpiresSec: 'many' } }, 'registrar.minExpiresSec: must be a number'],
  [{ overlay: { vnodes: 1.5 } }, 'overlay.vnodes: must be a whole number'],
  [{ overlay: { replicas: 9 } }, 'overlay.replicas: must be at most 7'],
  [{ limits: { banSec: -1 } }, 'limits.banSec: must be at least 0'],
  [{ sip: { listen: [] } }, 'sip.listen: must not be empty'],
  [
    { sip: { auth: { algorithms: ['MD5', 'MD5', 'MD5', 'MD5'] } } },
    'sip.auth.algorithms: must have at most 3 entries',
  ],
  [{ trust: { dns: 'perhaps' } }, 'trust.dns: must be true or false'],
  [{ limits: 5 }, 'limits: must be a map of keys'],
  [{ trust: { file: 5 } }, 'trust.file: must be a text'],
  [{ sip: { auth: { trustedPeers: '192.0.2.1' } } }, 'sip.auth.trustedPeers: must be a list'],
  [{ log: { level: 5 } }, 'log.level: must be one of trace, debug, info, warn, error, silent'],
  [
    { domains: { localhost: { identity: { selector: 1 } } } },
    'domains.localhost.identity.keyFile: is missing',
  ],
  [{ limits: { banSecs: 1 } }, 'limits.banSecs: unknown key'],
])('%j', (tree, said) => {
  expect(parseConfig(tree)).toEqual({ ok: false, error: [said] });
});
