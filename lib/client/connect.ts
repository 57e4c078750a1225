import type { Transport } from '../protocol/transport.js';

/** What a socket reports; the contract is the {@link Transport}'s. */
export interface TransportEvents {
  /** The socket is open, with the subprotocol the server chose. Called at most once, first. */
  opened(transport: Transport, subprotocol: string): void;
  message(message: string | Uint8Array): void;
  drained(): void;
  /** Called once, last; also when it never opened. */
  closed(code: number, reason: string): void;
}

/** Begins to open a socket, offering subprotocols; returns the way to give up. Must not throw. */
export type Connect = (subprotocols: readonly string[], events: TransportEvents) => () => void;
