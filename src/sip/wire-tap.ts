// Somebody who watches the messages that come and go, if anybody does: what a SIP trace hangs on.
import type { Flow } from './types.ts';

/** Called only while `on`: without a watcher a message costs one look at a boolean. */
export interface WireTap {
  readonly on: boolean;
  /** One message as it came, refused ones too. The bytes are the watcher's to read now, not to keep. */
  received(bytes: Uint8Array, flow: Flow): void;
  /** One message as it leaves. */
  sent(bytes: Uint8Array, flow: Flow): void;
}

export const NO_TAP: WireTap = { on: false, received: () => undefined, sent: () => undefined };
