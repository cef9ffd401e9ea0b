// Which addresses a request may be sent to for somebody: none that he could not reach himself, and no group of machines.
import { canonicalHost, isLoopback } from '../uri/hosts.ts';

/**
 * A URI, and any zone that its host stands in, names where this machine sends packets to. What lies behind this machine's
 * loopback (its admin port, a database without a password) and on its links (169.254.169.254 tells a cloud's secrets)
 * is for this machine and its neighbours alone: a request goes there only if it came from there. Private networks
 * are where phones live, and stay open.
 */
export type Scope = 'loopback' | 'link' | 'any' | 'none';

const ipv4Scope = (host: string): Scope => {
  const [first = 0, second = 0] = host.split('.', 2).map(Number);
  // 0.0.0.0/8 is "this network", which Linux takes for loopback; from 224 on are groups, reserved space and broadcast.
  if (first === 0 || first >= 224) return 'none';
  return first === 169 && second === 254 ? 'link' : 'any';
};

/** `host`: an IP literal without brackets. */
export const scopeOf = (host: string): Scope => {
  if (isLoopback(host)) return 'loopback';
  const canonical = canonicalHost(host);
  if (!canonical.includes(':')) return ipv4Scope(canonical);
  if (canonical.startsWith('::ffff:') && canonical.includes('.'))
    return ipv4Scope(canonical.slice('::ffff:'.length));
  if (canonical === '::' || canonical.startsWith('ff')) return 'none';
  // fe80::/10
  return /^fe[89ab]/.test(canonical) ? 'link' : 'any';
};

/** May what came from `source` go to `hop`? Both are IP literals. */
export const mayReach = (source: string, hop: string): boolean => {
  const scope = scopeOf(hop);
  if (scope === 'any') return true;
  return scope !== 'none' && (scopeOf(source) === scope || scopeOf(source) === 'loopback');
};
