// The trust file: YAML text in, keys by domain and selector out, or all that is wrong with it in words.
import { parse } from 'yaml';
import { messageOf } from '../runtime/errors.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { PUBLIC_KEY_BYTES } from './identity.ts';
import { SELECTOR_MAX } from './limits.ts';

export type TrustMap = ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;

const BASE64_KEY = /^[A-Za-z0-9+/]{43}=$/;

/** The 32 bytes of a public key in base64; undefined for anything else. */
export const parsePublicKey = (text: string): Uint8Array | undefined => {
  if (!BASE64_KEY.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length === PUBLIC_KEY_BYTES ? key : undefined;
};

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `DOMAIN: { SELECTOR: BASE64 of the 32-byte public key }`; an empty file trusts nobody. */
export const parseTrustFile = (text: string): Result<TrustMap, readonly string[]> => {
  let document: unknown;
  try {
    // No aliases: a file of a few lines must not become a table of millions.
    document = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    return fail([`not YAML: ${messageOf(error)}`]);
  }
  if (document === null || document === undefined) return ok(new Map());
  if (!isMapping(document)) return fail(['must be a mapping of domains']);
  const problems: string[] = [];
  // BOUNDED: by the operator's file.
  const trust = new Map<string, Map<number, Uint8Array>>();
  for (const [domain, selectors] of Object.entries(document)) {
    if (!isMapping(selectors)) {
      problems.push(`${domain}: must be a mapping of selectors to keys`);
      continue;
    }
    const keys = new Map<number, Uint8Array>();
    for (const [selector, encoded] of Object.entries(selectors)) {
      const key = typeof encoded === 'string' ? parsePublicKey(encoded) : undefined;
      if (!/^\d{1,2}$/.test(selector) || Number(selector) > SELECTOR_MAX) {
        problems.push(`${domain}: selector ${selector} must be 0 to ${SELECTOR_MAX}`);
      } else if (key === undefined) {
        problems.push(
          `${domain}: the key of selector ${selector} must be base64 of ${PUBLIC_KEY_BYTES} bytes`,
        );
      } else keys.set(Number(selector), key);
    }
    trust.set(domain.toLowerCase(), keys);
  }
  return problems.length > 0 ? fail(problems) : ok(trust);
};
