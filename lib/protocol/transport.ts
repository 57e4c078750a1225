/**
 * The engine's side of a socket: four members, and two that not every socket has. The engine calls
 * them; what the socket reports is given to the connection by whoever made the transport:
 * `receive(message)` for each message in order, `drained()` when the send buffer ran empty after it
 * held anything, and `closed(code, reason)` exactly once, after which nothing else is reported.
 */
export interface Transport {
  /**
   * Hands one message over; never blocks, never throws. Nobody changes the bytes from here on, the
   * transport neither: other connections may be given the same. After `close` it does nothing.
   *
   * @param maySend asked when nothing is left to do but to hand the bytes over: a process may be
   * stopped at any place, and woken when it may not be sent any more. May not throw
   * @returns `false` where that said no, and nothing was sent
   */
  send(message: string | Uint8Array, maySend?: () => boolean): boolean;
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
