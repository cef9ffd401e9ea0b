// Return-address cookies: stateless proof that a source receives what is sent to it (RFC 9018's shape).
import { timingSafeEqual } from 'node:crypto';
import type { Endpoint } from '../runtime/datagram.ts';
import { hmacSha256 } from '../runtime/sha256.ts';
import { endpointKey } from './address.ts';
import { COOKIE_BYTES } from './frame.ts';

/** RFC 9018 §4.3 renews a cookie after half an hour and refuses it after an hour; two windows give just that. */
export const COOKIE_WINDOW_MS = 1_800_000;

type CookieVerdict = 'current' | 'previous' | 'invalid';

export interface CookieJar {
  make(source: Endpoint, monoMs: number): Uint8Array;
  check(cookie: Uint8Array, source: Endpoint, monoMs: number): CookieVerdict;
}

/** Byte 0 says which window, so that a check costs one HMAC; the secret lives and dies with the process. */
export const cookieJar = (secret: Uint8Array, windowMs = COOKIE_WINDOW_MS): CookieJar => {
  const ofWindow = (source: Endpoint, window: number): Buffer => {
    const mac = hmacSha256(secret, `${window} ${endpointKey(source)}`);
    mac[0] = window & 0xff;
    return mac.subarray(0, COOKIE_BYTES);
  };
  return {
    make: (source, monoMs) => ofWindow(source, Math.floor(monoMs / windowMs)),
    check(cookie, source, monoMs) {
      const window = Math.floor(monoMs / windowMs);
      if (cookie.length !== COOKIE_BYTES) return 'invalid';
      const behind = (window - (cookie[0] ?? 0)) & 0xff;
      if (behind > 1) return 'invalid';
      if (!timingSafeEqual(ofWindow(source, window - behind), cookie)) return 'invalid';
      return behind === 0 ? 'current' : 'previous';
    },
  };
};
