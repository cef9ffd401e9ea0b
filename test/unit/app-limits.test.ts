import { expect, test } from 'vitest';
import { LiveLimits } from '../../src/app-limits.ts';
import { parseConfig } from '../../src/config.ts';

const limitsOf = (limits: object) => {
  const parsed = parseConfig({ limits });
  if (!parsed.ok) throw new Error(parsed.error.join('\n'));
  return parsed.value.limits;
};

test('who is trusted, a scanner, and banned for how long is what the last reload said', () => {
  const live = new LiveLimits(limitsOf({}));
  // Handed out before the reload, as at the start of a server.
  const { isScanner, isTrusted, bans, sip } = live;
  const now = () => [
    isScanner('friendly-scanner'),
    isScanner('MyScanner/1'),
    isTrusted('192.0.2.4'),
    bans.isTrusted('192.0.2.4'),
    bans.banSec,
    sip.perSourcePerSec,
  ];
  expect(now()).toEqual([true, false, false, false, 300, 200]);
  live.replace(
    limitsOf({ scanners: ['myscanner'], trusted: ['192.0.2.0/24'], banSec: 60, perSourcePerSec: 7 }),
  );
  expect(now()).toEqual([false, true, true, true, 60, 7]);
  live.replace(limitsOf({ dropScanners: false, scanners: ['myscanner'] }));
  expect(now()).toEqual([false, false, false, false, 300, 200]);
});

test.each([[['ab']], [['a\nbc']], [['x'.repeat(65)]], [Array.from({ length: 65 }, (_, at) => `name${at}`)]])(
  'names of scanners are few, short, and longer than a syllable: %j',
  (scanners) => {
    const parsed = parseConfig({ limits: { scanners } });
    expect(parsed.ok ? [] : parsed.error).toEqual([expect.stringMatching(/^limits\.scanners/)]);
  },
);
