import { CloseCode } from '../protocol/close-codes.js';
import { FIRST_ITEM, FrameType } from '../protocol/frames.js';
import type { Limits } from '../protocol/limits.js';
import type { StreamError } from '../protocol/stream-error.js';
import { ProtocolViolation } from '../protocol/violation.js';
import { Inbox } from '../stream/inbox.js';

/** The inputs of a connection's calls, by number, until their calls are over. */
export class Inputs {
  readonly #inboxes = new Map<number, Inbox>();
  readonly #limits: Limits;
  readonly #write: (frame: readonly unknown[]) => void;
  #unweighedBytes = 0;

  /** `write` sends a frame to the client. */
  constructor(limits: Limits, write: (frame: readonly unknown[]) => void) {
    this.#limits = limits;
    this.#write = write;
  }

  /** Makes the receiving end of a new input. */
  create(stream: number): Inbox {
    const port = {
      grant: (items: number, bytes: number) =>
        this.#write([FrameType.credit, stream, items, bytes]),
      cancel: () => this.#write([FrameType.cancel, stream]),
    };
    const { windowItems, windowBytes } = this.#limits;
    const inbox = new Inbox(port, { items: windowItems, bytes: windowBytes });
    this.#inboxes.set(stream, inbox);
    return inbox;
  }

  /**
   * Takes in the items of a frame; those for an input that is over came late and mean nothing.
   * Tells whether all that waits on the connection is still within its bound.
   *
   * @throws ProtocolViolation when they are more than was granted.
   */
  receive(stream: number, size: number, frame: unknown[]): boolean {
    const inbox = this.#inboxes.get(stream);
    if (inbox === undefined) return true;
    if (inbox.receive(frame, FIRST_ITEM, size)) return this.#fits(size);
    throw new ProtocolViolation('more items than were granted', CloseCode.creditExceeded);
  }

  /** The client is done with an input. */
  end(stream: number): void {
    this.#inboxes.get(stream)?.end();
  }

  /** The client failed to give an input. */
  fail(stream: number, error: StreamError): void {
    this.#inboxes.get(stream)?.fail(error);
  }

  /** An item could not be read: the handler's loop is told, and the client's source. */
  refuse(stream: number, problem: StreamError): void {
    const inbox = this.#inboxes.get(stream);
    if (inbox === undefined || inbox.isOver) return;
    this.#write([FrameType.cancel, stream]);
    inbox.fail(problem);
  }

  /** The call of an input is over: what still comes for it is late. */
  forget(stream: number): void {
    this.#inboxes.delete(stream);
  }

  /** Weighed now and then only: what comes in between is small beside the bound. */
  #fits(size: number): boolean {
    const { unreadBytesPerConnection } = this.#limits;
    this.#unweighedBytes += size;
    if (this.#unweighedBytes * 16 < unreadBytesPerConnection) return true;
    this.#unweighedBytes = 0;
    let weight = 0;
    for (const inbox of this.#inboxes.values()) weight += inbox.weight;
    return weight <= unreadBytesPerConnection;
  }
}
