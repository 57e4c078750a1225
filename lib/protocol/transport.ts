/**
 * The engine's side of a socket: four members, and two that not every socket has. The engine calls them; what the socket reports is
 * given to the connection by whoever made the transport: `receive(message)` for each message in
 * order, `drained()` when the send buffer ran empty after it held anything, and `closed(code,
 * reason)` exactly once, after which nothing else is reported.
 */
export interface Transport {
  /**
   * Hands one message over; never blocks, never throws. Nobody changes the bytes from here on, the
   * transport neither: other connections may be given the same. After `close` it does nothing.
   */
  send(message: string | Uint8Array): void;
  /** How many bytes were sent and have not left this process. */
  readonly bufferedBytes: number;
  /** Begins the closing handshake. `reason` is at most 123 bytes. */
  close(code: number, reason: string): void;
  /** Gives the socket up at once, without a handshake. `closed` is still reported. */
  terminate(): void;
  /** Stops reading the socket, where that is possible; what was read already is still reported. */
  pause?(): void;
  /** Reads the socket again. */
  resume?(): void;
}
