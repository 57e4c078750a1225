import { Observable } from 'rxjs';
import type { Inbox } from '../stream/inbox.js';
import type { InputShape } from './parameter.js';

/** Passes one item of an input: tests it, or makes another of it. Throws for one that won't do. */
export type ItemPass = (item: unknown) => unknown;

/** The stream as the handler's parameter is declared. With no `pass` an iterable is the inbox itself. */
export function toInput(inbox: Inbox, shape: InputShape, pass: ItemPass | undefined): unknown {
  const source = pass === undefined ? inbox : new PassedInput(inbox, pass);
  if (shape === 'observable') return toObservable(source);
  return shape === 'readable' ? toReadable(source) : source;
}

type InputSource = AsyncIterableIterator<unknown, undefined>;

/** An input whose items are passed one by one. An item that won't do ends it, at the client too. */
class PassedInput implements InputSource {
  readonly #inbox: Inbox;
  readonly #pass: ItemPass;

  constructor(inbox: Inbox, pass: ItemPass) {
    this.#inbox = inbox;
    this.#pass = pass;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return this.#inbox.next().then(this.#passed);
  }

  /** One promise for an item that is passed at once, which most are. */
  readonly #passed = (
    result: IteratorResult<unknown, undefined>,
  ): IteratorResult<unknown, undefined> | Promise<IteratorResult<unknown, undefined>> => {
    if (result.done === true) return result;
    try {
      const value = this.#pass(result.value);
      if (value instanceof Promise) return value.then(toResult).catch(this.#refused);
      return value === result.value ? result : toResult(value);
    } catch (error) {
      return this.#refused(error);
    }
  };

  readonly #refused = (error: unknown): never => {
    void this.#inbox.return();
    throw error;
  };

  return(): Promise<IteratorResult<unknown, undefined>> {
    return this.#inbox.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function toResult(value: unknown): IteratorResult<unknown, undefined> {
  return { value, done: false };
}

/**
 * Reads while it is subscribed to, one item after the other: the next one when the subscriber has
 * taken the last. An input can be read once, and so can this.
 */
function toObservable(source: InputSource): Observable<unknown> {
  return new Observable((subscriber) => {
    const read = async (): Promise<void> => {
      while (!subscriber.closed) {
        const result = await source.next();
        if (result.done === true) return subscriber.complete();
        subscriber.next(result.value);
      }
    };
    read().catch((error: unknown) => subscriber.error(error));
    return () => void source.return?.();
  });
}

function toReadable(source: InputSource): ReadableStream<unknown> {
  const pull = async (controller: ReadableStreamDefaultController<unknown>): Promise<void> => {
    const result = await source.next();
    if (result.done === true) controller.close();
    else controller.enqueue(result.value);
  };
  const cancel = async (): Promise<void> => void (await source.return?.());
  // Nothing is read ahead: what the handler doesn't ask for stays the client's.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
