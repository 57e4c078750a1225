import { CloseCode } from '../protocol/close-codes.js';
import { FIRST_ITEM, FrameType } from '../protocol/frames.js';
import type { Limits } from '../protocol/limits.js';
import type { StreamError } from '../protocol/stream-error.js';
import { ProtocolViolation } from '../protocol/violation.js';
import { Inbox } from '../stream/inbox.js';

/** The open inputs of a connection's calls, by number. */
export class Inputs {
  readonly #inboxes = new Map<number, Inbox>();
  readonly #limits: Limits;
  readonly #write: (frame: readonly unknown[]) => void;

  /** `write` sends a frame to the client. */
  constructor(limits: Limits, write: (frame: readonly unknown[]) => void) {
    this.#limits = limits;
    this.#write = write;
  }

  /** Makes the receiving end of a new input. */
  create(stream: number): Inbox {
    const { windowItems, windowBytes } = this.#limits;
    const port = {
      grant: (items: number, bytes: number) => {
        if (this.#inboxes.has(stream)) this.#write([FrameType.credit, stream, items, bytes]);
      },
      cancel: () => {
        if (this.#inboxes.delete(stream)) this.#write([FrameType.cancel, stream]);
      },
    };
    const inbox = new Inbox(port, { items: windowItems, bytes: windowBytes });
    this.#inboxes.set(stream, inbox);
    return inbox;
  }

  /**
   * Takes in the items of a frame; those for an input that is over came late and mean nothing.
   *
   * @throws ProtocolViolation when they are more than was granted.
   */
  receive(stream: number, size: number, frame: unknown[]): void {
    const inbox = this.#inboxes.get(stream);
    if (inbox === undefined || inbox.receive(frame, FIRST_ITEM, size)) return;
    throw new ProtocolViolation('more items than were granted', CloseCode.creditExceeded);
  }

  /** The client is done with an input. */
  end(stream: number): void {
    this.#take(stream)?.end();
  }

  /** The client failed to give an input. */
  fail(stream: number, error: StreamError): void {
    this.#take(stream)?.fail(error);
  }

  /** An item could not be read: the handler's loop is told, and the client's source. */
  refuse(stream: number, problem: StreamError): void {
    const inbox = this.#take(stream);
    if (inbox === undefined) return;
    this.#write([FrameType.cancel, stream]);
    inbox.fail(problem);
  }

  /** The call of an input is over: what still comes for it is late. */
  forget(stream: number): void {
    this.#inboxes.delete(stream);
  }

  #take(stream: number): Inbox | undefined {
    const inbox = this.#inboxes.get(stream);
    this.#inboxes.delete(stream);
    return inbox;
  }
}
