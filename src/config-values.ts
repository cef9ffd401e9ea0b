// What a value of the configuration may be: the pieces that its schema is put together from.
import { isIP } from 'node:net';
import { z } from 'zod';
import { DIGEST_ALGORITHMS } from './auth/digest.ts';
import { fail, type Result } from './runtime/result.ts';
import { canonicalDomain } from './uri/hosts.ts';

/** A key whose text `parse` reads; its words are the problem. */
export const parsed = <T>(parse: (text: string) => Result<T>) =>
  z.string().transform((text, ctx): T => {
    const result = parse(text);
    if (result.ok) return result.value;
    ctx.addIssue({ code: 'custom', message: result.error });
    return z.NEVER;
  });

export const domainName = parsed((text) => {
  const canonical = canonicalDomain(text);
  return canonical.ok ? canonical : fail(`"${text}" is not a domain: ${canonical.error}`);
});

/** One name may stand for a list of one. */
export const domainNames = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(domainName).min(1),
);

export const int = (min: number, max: number) => z.int().min(min).max(max);

/** How many bits of the address count, or undefined for what is no range. */
const rangeBits = (text: string): { readonly bits: number; readonly width: 32 | 128 } | undefined => {
  const [address = '', written, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return undefined;
  const width = family === 4 ? 32 : 128;
  if (written === undefined) return { bits: width, width };
  return /^\d{1,3}$/.test(written) && Number(written) <= width ? { bits: Number(written), width } : undefined;
};

export const cidr = z
  .string()
  .refine((text) => rangeBits(text) !== undefined, 'must be an address or a range such as 10.0.0.0/8');

/** `192.0.2.50`, `192.0.2.0/28`, or `tcp:192.0.2.50` where only a transport with a handshake is believed. */
const PEER = /^(?:(?:udp|tcp|tls|ws|wss):)?(.+)$/;
/** More than a network of an organisation is no list of peers but an open relay. */
const PEER_BITS_MIN = { 32: 8, 128: 16 } as const;

export const peer = z
  .string()
  .refine(
    (text) => rangeBits(PEER.exec(text)?.[1] ?? '') !== undefined,
    'must be an address or range, such as 192.0.2.50, or one with its transport, such as tcp:192.0.2.0/28',
  )
  .refine((text) => {
    const range = rangeBits(PEER.exec(text)?.[1] ?? '');
    return range === undefined || range.bits >= PEER_BITS_MIN[range.width];
  }, 'so wide a range would make this server an open relay');

export const expiry = int(1, 2 ** 31 - 1);
export const contacts = int(1, 10);
export const selector = int(0, 15);
export const algorithms = z.array(z.enum(DIGEST_ALGORITHMS)).min(1).max(DIGEST_ALGORITHMS.length);
export const peers = z.array(peer).max(256);
