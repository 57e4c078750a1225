import { type OutputStream, StreamError } from 'nestjs-streaming/client';
import { ThrownOut } from '../../src/rooms/room.exceptions.js';
import type { Message, Notice, Person } from '../../src/rooms/room.models.js';
import type { ChatClient } from './chat-client.js';

export interface RoomFeedListener {
  /** The room is open, or not for the moment: the feed tries again by itself. */
  flows(isOpen: boolean): void;
  /** A line; after an interruption those of before come again. */
  line(line: Message | Notice): void;
  people(people: readonly Person[]): void;
  /** The feed is over: one was thrown out of the room. */
  thrownOut(why: ThrownOut): void;
  /** The feed is over: the sign-in was revoked, or is over. */
  signedOut(why: StreamError): void;
}

/** After an error of the call rather than of the connection, for which the client itself waits. */
const RETRY_MS = 1_000;

const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  'connect-failed',
  'connect-timeout',
  'connection-lost',
]);

const SIGNED_OUT: ReadonlySet<string> = new Set(['revoked', 'unauthenticated']);

/** Follows one room, across every loss of the server, until it is left or one may not stay. */
export class RoomFeed {
  readonly #client: ChatClient;
  readonly #roomId: string;
  readonly #listener: RoomFeedListener;
  readonly #calls = new Set<OutputStream<unknown>>();
  #isOver = false;

  constructor(client: ChatClient, roomId: string, listener: RoomFeedListener) {
    this.#client = client;
    this.#roomId = roomId;
    this.#listener = listener;
  }

  /** Two calls over one connection: what is said, and who is there. */
  start(): void {
    const { rooms } = this.#client;
    void this.#repeat(
      () => rooms.join(this.#roomId),
      (line) => this.#listener.line(line),
      (isOpen) => this.#listener.flows(isOpen),
    );
    void this.#repeat(
      () => rooms.members(this.#roomId),
      ({ people }) => this.#listener.people(people),
    );
  }

  /** Leaves the room; nothing is told any more. */
  stop(): void {
    this.#isOver = true;
    for (const call of this.#calls) call.cancel();
  }

  async #repeat<T>(
    open: () => OutputStream<T>,
    take: (item: T) => void,
    flows: (isOpen: boolean) => void = () => {},
  ): Promise<void> {
    while (!this.#isOver) {
      const error = await this.#follow(open(), take, flows);
      if (this.#isOver || this.#ends(error)) return;
      flows(false);
      if (!CONNECTION_ERRORS.has(codeOf(error))) await pause(RETRY_MS);
    }
  }

  async #follow<T>(
    call: OutputStream<T>,
    take: (item: T) => void,
    flows: (isOpen: boolean) => void,
  ): Promise<unknown> {
    this.#calls.add(call);
    try {
      const items = await call;
      if (!this.#isOver) flows(true);
      for await (const item of items) if (!this.#isOver) take(item);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Whether the error is one after which there is no point in trying again. Told once. */
  #ends(error: unknown): boolean {
    if (error instanceof ThrownOut) {
      this.stop();
      this.#listener.thrownOut(error);
    } else if (error instanceof StreamError && SIGNED_OUT.has(error.code)) {
      this.stop();
      this.#listener.signedOut(error);
    }
    return this.#isOver;
  }
}

function codeOf(error: unknown): string {
  return error instanceof StreamError ? error.code : '';
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
