// Self-certifying domains: `<base32 of the public key>.lsp.alt` (RFC 9476) needs nobody to vouch for it.
import { PUBLIC_KEY_BYTES } from './identity.ts';

const SUFFIX = '.lsp.alt';
// RFC 4648 §6, lower case, no padding: 32 bytes are 52 characters.
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LABEL_CHARS = Math.ceil((PUBLIC_KEY_BYTES * 8) / 5);

export const isSelfCertifying = (domain: string): boolean => domain.endsWith(SUFFIX);

/** The domain that this key is the only authority for. */
export const selfCertifyingDomain = (publicKey: Uint8Array): string => {
  let label = '';
  let bits = 0;
  let held = 0;
  for (const byte of publicKey) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      label += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) label += ALPHABET[(held << (5 - bits)) & 31];
  return label + SUFFIX;
};

/** The key that the name itself is; undefined if the label is not one, in its one spelling. */
export const selfCertifiedKey = (domain: string): Uint8Array | undefined => {
  if (domain.length !== LABEL_CHARS + SUFFIX.length || !domain.endsWith(SUFFIX)) return undefined;
  const key = new Uint8Array(PUBLIC_KEY_BYTES);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < LABEL_CHARS; i += 1) {
    const value = ALPHABET.indexOf(domain.charAt(i));
    if (value < 0) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      key[at] = held >> bits;
      at += 1;
      held &= (1 << bits) - 1;
    }
  }
  // Left-over bits must be zero, or one key would have several names.
  return held === 0 ? key : undefined;
};

/** Whose quota a domain draws on: these names cost nothing, so they share one. */
export const quotaDomain = (domain: string): string => (isSelfCertifying(domain) ? SUFFIX.slice(1) : domain);
