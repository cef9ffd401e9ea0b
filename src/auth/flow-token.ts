// Signed tokens in URIs of ours: whoever shows one lets a dialog's later requests pass, and nobody else can make one.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** What ties a token to one dialog: its Call-ID and the tag of the side that called. */
export interface DialogId {
  readonly callId: string;
  readonly callerTag: string;
}

// A token is part of the dialog's route set, which no later request can change (RFC 3261 §12.2.1.2): it has to live as
// long as the longest call. A day; a leaked token is of no use after it, and before it only with the same Call-ID and tag.
const LIFETIME_HOURS = 24;
const HOUR_MS = 3_600_000;
/** 96 bits: nobody guesses it within a day, and a Record-Route stays short. */
const MAC_BYTES = 12;
const SHAPE = /^d1\.([0-9a-z]{1,8})\.([A-Za-z0-9_-]{16})$/;

/** Makes and checks tokens under one secret; all registrars that share the secret accept each other's. */
export class FlowTokens {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** The token of a dialog, the same for every retransmission within an hour; only characters of a SIP user part. */
  sign(dialog: DialogId, wallMs: number): string {
    const hour = Math.floor(wallMs / HOUR_MS).toString(36);
    return `d1.${hour}.${this.#mac(hour, dialog).toString('base64url')}`;
  }

  /** True if we signed `token` for this dialog within the last day. Both sides of a dialog show the same token. */
  check(token: string, dialog: DialogId, wallMs: number): boolean {
    const [, hour, mac] = SHAPE.exec(token) ?? [];
    if (hour === undefined || mac === undefined) return false;
    const age = Math.floor(wallMs / HOUR_MS) - Number.parseInt(hour, 36);
    // One hour ahead is another registrar's clock.
    if (age < -1 || age > LIFETIME_HOURS) return false;
    return timingSafeEqual(this.#mac(hour, dialog), Buffer.from(mac, 'base64url'));
  }

  #mac(hour: string, { callId, callerTag }: DialogId): Buffer {
    // Length first: no two different pairs give the same bytes.
    return createHmac('sha256', this.#secret)
      .update(`dialog\0${hour}\0${callId.length}\0${callId}\0${callerTag}`, 'latin1')
      .digest()
      .subarray(0, MAC_BYTES);
  }
}
