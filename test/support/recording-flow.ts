// A flow that keeps what was sent over it.
import type { Endpoint } from '../../src/runtime/datagram.ts';
import type { Flow, Transport } from '../../src/sip/types.ts';

export interface RecordingFlow extends Flow {
  /** What was sent, as latin1 text. */
  readonly sent: string[];
}

export const recordingFlow = (
  given: { transport?: Transport; works?: boolean; remote?: Endpoint } = {},
): RecordingFlow => {
  const sent: string[] = [];
  return {
    transport: given.transport ?? 'udp',
    local: { host: '127.0.0.1', port: 5060 },
    advertised: { host: '127.0.0.1', port: 5060 },
    remote: given.remote ?? { host: '127.0.0.1', port: 5999 },
    open: true,
    sent,
    send(bytes) {
      sent.push(Buffer.from(bytes).toString('latin1'));
      return given.works ?? true;
    },
  };
};
