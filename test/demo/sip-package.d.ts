// What the demo's phones use of the npm package `sip`, which comes without types.
declare module 'sip' {
  export interface ViaValue {
    readonly params: Readonly<Record<string, string | null>>;
  }
  export interface PhoneMessage {
    method?: string;
    uri?: string;
    status?: number;
    reason?: string;
    headers: {
      via?: ViaValue[];
      to: { uri: string; params?: Record<string, string> };
      from: { uri: string; params?: Record<string, string> };
      'call-id': string;
      cseq: { seq: number; method: string };
      contact?: { uri: string }[];
      [name: string]: unknown;
    };
    content?: string;
  }
  export interface Stack {
    send(message: PhoneMessage, onAnswer?: (answer: PhoneMessage) => void): void;
    destroy(): void;
  }
  export function create(
    options: {
      readonly address: string;
      readonly port: number;
      readonly publicAddress: string;
      readonly tcp: boolean;
      readonly logger: {
        readonly send: (
          message: PhoneMessage,
          to: { readonly address: string; readonly port: number },
        ) => void;
        readonly recv: (
          message: PhoneMessage,
          from: { readonly address: string; readonly port: number },
        ) => void;
        readonly error: (error: Error) => void;
      };
    },
    onRequest: (request: PhoneMessage) => void,
  ): Stack;
  export function makeResponse(request: PhoneMessage, status: number, reason: string): PhoneMessage;
}
