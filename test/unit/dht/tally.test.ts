// What a node counts of its work: by kind of request, and only what there was.
import { expect, test } from 'vitest';
import { peerDecoder } from '../../../src/dht/descriptor.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import { REQUEST_CODES, type RequestType } from '../../../src/dht/request-traits.ts';
import { Tally } from '../../../src/dht/tally.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { unpackCbor } from '../../support/cbor-unpack.ts';
import { OVERLAY, REQUESTS } from '../../support/lsp-samples.ts';

test('a fresh one tells of nothing', () => {
  expect(new Tally().report()).toEqual({
    traffic: [],
    bytes: { in: 0, out: 0 },
    lookups: { count: 0, roundTrips: 0 },
    disagreements: 0,
    moved: { pulled: 0, pushed: 0 },
  });
});

test('counts by kind, frames of no request apart, and sums the bytes', () => {
  const tally = new Tally();
  tally.asked('query');
  tally.served('query');
  tally.served('query');
  tally.sent('query', 400);
  tally.sent('find', 30);
  tally.sent(undefined, 42);
  tally.received(500);
  tally.lookup(1);
  tally.lookup(3);
  tally.disagreement();
  tally.moved('pulled', 5);
  tally.moved('pushed', 2);
  expect(tally.report()).toEqual({
    traffic: [
      { kind: 'other', asked: 0, served: 0, sentBytes: 42 },
      { kind: 'find', asked: 0, served: 0, sentBytes: 30 },
      { kind: 'query', asked: 1, served: 2, sentBytes: 400 },
    ],
    bytes: { in: 500, out: 472 },
    lookups: { count: 2, roundTrips: 4 },
    disagreements: 1,
    moved: { pulled: 5, pushed: 2 },
  });
});

test('the metrics read it at every scrape', () => {
  const [tally, metrics] = [new Tally(), new MetricsRegistry()];
  tally.register(metrics);
  tally.sent('query', 400);
  expect(metrics.text()).toContain('chordial_lsp_sent_bytes_total{kind="query"} 400\n');
  tally.sent('query', 1);
  expect(metrics.text()).toContain('chordial_lsp_sent_bytes_total{kind="query"} 401\n');
});

test('the codes that it tells are those of the requests on the wire', () => {
  const codec = messageCodec(peerDecoder(OVERLAY));
  const onWire = new Map<RequestType, unknown>();
  for (const request of Object.values(REQUESTS)) {
    const map = unpackCbor(codec.encodeRequest(request));
    if (map instanceof Map) onWire.set(request.type, Number(map.get(0n)));
  }
  expect(Object.fromEntries(onWire)).toEqual(REQUEST_CODES);
});
