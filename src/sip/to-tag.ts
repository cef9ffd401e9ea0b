// The To tag of our answers: computed, not remembered, so every retransmission gets the same one and an ACK shows it is ours.
import { hmacSha256 } from '../runtime/sha256.ts';
import { findParam } from '../uri/params.ts';
import type { SipRequest } from './types.ts';

/** 80 bits, well above the 32 of RFC 3261 §19.3. */
const TAG_BYTES = 10;

export interface ToTags {
  /**
   * RFC 3261 §8.2.7: "To header tags MUST be generated for responses in a stateless manner - in a manner that will
   * generate the same tag for the same request consistently."
   */
  tagFor(request: SipRequest): string;
  /** The request's To tag is one of ours for this transaction: an ACK to an answer of ours that was not a 2xx. */
  isOurs(request: SipRequest): boolean;
}

export const createToTags = (secret: Uint8Array): ToTags => {
  const tagFor = (request: SipRequest): string => {
    const via = request.vias[0];
    const fields = [
      request.callId,
      findParam(request.from.params, 'tag')?.value ?? '',
      findParam(via.params, 'branch')?.value ?? '',
      via.host.toLowerCase(),
      String(via.port ?? ''),
      String(request.cseq.seq),
    ];
    // With its length before it no field runs into the next.
    const text = fields.map((field) => `${field.length}:${field}`).join('');
    return hmacSha256(secret, text).toString('hex', 0, TAG_BYTES);
  };
  return {
    tagFor,
    isOurs: (request) => {
      const tag = findParam(request.to.params, 'tag')?.value;
      // The length is compared first, so that a stranger's tag costs no HMAC in most cases.
      return tag !== undefined && tag.length === TAG_BYTES * 2 && tag === tagFor(request);
    },
  };
};
