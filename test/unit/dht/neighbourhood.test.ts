// Whose question it was: what a neighbour's sign of life goes by.
import { describe, expect, test } from 'vitest';
import { speakerAmong } from '../../../src/dht/neighbourhood.ts';
import { samplePeer } from '../../support/lsp-samples.ts';

describe('the one who speaks from an address', () => {
  const at = { host: '192.0.2.7', port: 7184 };
  const first = samplePeer('dallas.example', [at], { bootSequence: 5 });
  const second = samplePeer('dallas.example', [at], { bootSequence: 5, vnode: 1 });
  const peers = [first, second];

  test.each([
    ['the member that it names, not its sibling', { from: at, life: 5, vnode: 1 }, second],
    ['the first one without a number', { from: at, life: 5, vnode: 0 }, first],
    ['nobody in another life', { from: at, life: 6, vnode: 1 }, undefined],
    ['nobody at another address', { from: { ...at, port: 7185 }, life: 5, vnode: 1 }, undefined],
    ['nobody with a number that is not there', { from: at, life: 5, vnode: 2 }, undefined],
    ['nobody that does not say which life it has', { from: at, life: undefined, vnode: 1 }, undefined],
  ])('is %s', (_name, speaker, who) => {
    expect(speakerAmong(peers, speaker)).toBe(who);
  });
});
