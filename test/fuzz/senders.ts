// The ways of fuzz to a server: batches of messages, each over once the server has looked at all of it; datagrams here.
import { type DatagramPort, type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { SipClient } from '../support/sip-client.ts';
import type { Chance } from './mutations.ts';
import { FENCED } from './talk.ts';

export interface Sender {
  /** How many messages make a batch. */
  readonly batch: number;
  /** Resolves when the server has seen the batch and still answers. */
  send(messages: readonly Uint8Array[], chance: Chance): Promise<void>;
  close(): Promise<void>;
}

const SOURCES = 16;
export const source = (index: number): string => `${FENCED}0.${1 + (index % SOURCES)}`;

/** What a socket's buffer holds of the largest of them: datagrams beyond it are lost before the server sees them. */
const DATAGRAMS = 40;
const ALIVE_WITHIN_MS = 20_000;

export const aliveOver = async (client: SipClient, to: Endpoint): Promise<void> => {
  const answer = await client.ask(
    to,
    { method: 'OPTIONS', uri: 'sip:example.com', from: 'sip:fence@example.com', to: 'sip:example.com' },
    ALIVE_WITHIN_MS,
  );
  if (answer.status !== 200) throw new Error(`the server answers OPTIONS with ${answer.status}`);
};

export const udpSender = async (to: Endpoint): Promise<Sender> => {
  const sockets = await Promise.all(
    Array.from(
      { length: SOURCES },
      (_, index): Promise<DatagramPort> =>
        openDatagram(
          { host: source(index), port: 0 },
          { onMessage: () => undefined, onError: () => undefined },
        ),
    ),
  );
  const fence = await SipClient.open(source(0));
  return {
    batch: DATAGRAMS,
    async send(messages) {
      for (const [index, message] of messages.entries()) sockets[index % SOURCES]?.send(message, to);
      await aliveOver(fence, to);
    },
    close: async () => void (await Promise.all([...sockets, fence].map((one) => one.close()))),
  };
};
