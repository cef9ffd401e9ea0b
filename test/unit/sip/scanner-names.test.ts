import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { createScannerNames } from '../../../src/sip/scanner-names.ts';

const config = parseConfig({});
const isScanner = createScannerNames(config.ok ? config.value.limits.scanners : []);

test.each([
  'friendly-scanner',
  'Friendly-Scanner/2',
  'sipvicious',
  'sipcli/v1.8',
  'VaxSIPUserAgent/3.1',
  'pplsip',
  'sip-scan',
])('%s is a scanner', (userAgent) => {
  expect(isScanner(userAgent)).toBe(true);
});

test.each([
  'baresip v1.0.0 (x86_64/linux)',
  'Linphone-Daemon/5.1.65',
  'Twinkle/1.10.2',
  'Yealink SIP-T46G 28.83.0.35',
  'Grandstream GXP2160 1.0.9.132',
  'PolycomVVX-VVX_411-UA/5.9.5.0614',
  'sipsak 0.9.8.1',
  'Asterisk PBX 18.10',
  'FPBX-16.0.40(18.9)',
  'Kamailio (5.6.3)',
  'JsSIP 3.13.8',
  '',
])('%j is none', (userAgent) => {
  expect(isScanner(userAgent)).toBe(false);
});

test('a name is plain text, whatever it holds', () => {
  expect(createScannerNames(['a.c(d'])('xA.C(Dx')).toBe(true);
  expect(createScannerNames(['a.c'])('abc')).toBe(false);
  expect(createScannerNames([])('friendly-scanner')).toBe(false);
});
