import type { OutputStream } from 'nestjs-streaming/client';
import { Message, type Notice } from '../../sample/chat/src/rooms/room.models.js';

/** One call of `join`: what it was sent, and how it ended. */
export class Visit {
  readonly lines: (Message | Notice)[] = [];
  /** Resolves with the error that ended it, or with nothing. */
  readonly ended: Promise<unknown>;
  readonly opened: Promise<unknown>;
  isOver = false;

  constructor(output: OutputStream<Message | Notice>) {
    this.opened = Promise.resolve(output);
    this.ended = this.#read(this.opened as Promise<AsyncIterable<Message | Notice>>);
  }

  /** What was said, in order. */
  get texts(): string[] {
    return this.lines.filter((line) => line instanceof Message).map(({ text }) => text);
  }

  async #read(opened: Promise<AsyncIterable<Message | Notice>>): Promise<unknown> {
    try {
      for await (const line of await opened) this.lines.push(line);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.isOver = true;
    }
  }
}
