import { expect, test } from 'vitest';
import { createToTags } from '../../../src/sip/to-tag.ts';
import { requestOf } from '../../support/sip-request.ts';

const tags = createToTags(new Uint8Array(32).fill(7));

test('a retransmission gets the same tag, also from another process with the secret', () => {
  expect(createToTags(new Uint8Array(32).fill(7)).tagFor(requestOf())).toBe(tags.tagFor(requestOf()));
});

test.each([
  ['Call-ID', { callId: 'other' }],
  ['From tag', { fromTag: 'other' }],
  ['branch', { via: 'SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKother' }],
  ['sent-by', { via: 'SIP/2.0/UDP 127.0.0.1:5998;branch=z9hG4bKtest' }],
  ['CSeq number', { cseq: 2 }],
])('another %s gives another tag', (_what, given) => {
  expect(tags.tagFor(requestOf(given))).not.toBe(tags.tagFor(requestOf()));
});

test('fields are told apart: what moves from one to the next changes the tag', () => {
  expect(tags.tagFor(requestOf({ callId: 'ab', fromTag: 'c' }))).not.toBe(
    tags.tagFor(requestOf({ callId: 'a', fromTag: 'bc' })),
  );
});

test('an ACK with the tag of our answer is known; one with another, or with none, is not', () => {
  const ack = { method: 'ACK' };
  expect(tags.isOurs(requestOf({ ...ack, toTag: tags.tagFor(requestOf()) }))).toBe(true);
  expect(tags.isOurs(requestOf({ ...ack, toTag: '0'.repeat(20) }))).toBe(false);
  expect(tags.isOurs(requestOf(ack))).toBe(false);
});

test('another secret gives another tag', () => {
  expect(createToTags(new Uint8Array(32).fill(8)).tagFor(requestOf())).not.toBe(tags.tagFor(requestOf()));
});
