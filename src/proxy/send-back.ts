// Brings an answer back whose flow is not known, or gone: to one place after the other that a Via names.
import type { Dns } from '../runtime/dns.ts';
import type { Background } from '../runtime/lifecycle.ts';
import { writeResponse } from '../sip/codec.ts';
import type { SipResponse, SipSender, Via } from '../sip/types.ts';
import { forwardedResponse } from './forwarded-message.ts';
import { waysBack } from './way-back.ts';

export interface SendBackDeps {
  readonly dns: Dns;
  readonly sender: SipSender;
  readonly background: Background;
}

/** To where `via`, the one below ours, says. */
export type SendBack = (response: SipResponse, via: Via) => void;

/** `onUndeliverable`: there was no such place, or none that took it. */
export const createSendBack = (
  { dns, sender, background }: SendBackDeps,
  onUndeliverable: () => void,
): SendBack => {
  const deliver = async (via: Via, bytes: Uint8Array): Promise<void> => {
    const supports = (transport: Parameters<SipSender['advertised']>[0], family: 4 | 6): boolean =>
      sender.advertised(transport, family) !== undefined;
    for await (const hop of waysBack(via, { dns, supports, seed: via.text })) {
      const flow = await sender.flowTo(hop);
      if (flow?.send(bytes) === true) return;
    }
    onUndeliverable();
  };
  return (response, via) =>
    background.background(
      'an answer without a flow',
      deliver(via, writeResponse(forwardedResponse(response))),
    );
};
