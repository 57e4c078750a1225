import { ReadableStream } from 'node:stream/web';
import { concat, interval, NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Source } from './pump.js';
import { discard, isStream, toSource } from './source.js';
import { StreamController } from './stream-controller.js';

const push = { capacity: 4, overflowError: () => new Error('too slow') };

function source(value: unknown): Source {
  const made = toSource(value, push);
  if (made === undefined) throw new Error('It is no stream.');
  return made;
}

/** What a source gives; an error stands last, as its message. */
async function drain(from: Source): Promise<unknown[]> {
  const given: unknown[] = [];
  try {
    for (;;) {
      const { done, value } = await from.next();
      if (done === true) return given;
      given.push(value);
    }
  } catch (error) {
    return [...given, (error as Error).message];
  }
}

async function* values(...items: unknown[]): AsyncGenerator<unknown> {
  yield* items;
}

/** A ReadableStream as browsers have it that can't iterate over one. */
function notIterable(stream: ReadableStream): unknown {
  return {
    getReader: () => stream.getReader(),
    tee: () => stream.tee(),
    cancel: () => stream.cancel(),
  };
}

function endless(): { readonly stream: ReadableStream; readonly state: { cancelled: boolean } } {
  const state = { cancelled: false };
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(1),
    cancel: () => {
      state.cancelled = true;
    },
  });
  return { stream, state };
}

describe('A source', () => {
  it('is made of an async iterable, a ReadableStream and an observable', async () => {
    expect(await drain(source(values(1, 2)))).toEqual([1, 2]);
    expect(await drain(source(ReadableStream.from([1, 2])))).toEqual([1, 2]);
    expect(await drain(source(notIterable(ReadableStream.from([1, 2]))))).toEqual([1, 2]);
    expect(await drain(source(of(1, 2)))).toEqual([1, 2]);
    const input = new StreamController();
    input.add(1);
    input.close();
    expect(await drain(source(input))).toEqual([1]);
  });

  it('is not made of anything else', () => {
    for (const value of [undefined, null, 1, 'text', [1], new Set([1]), { next: 1 }, () => 1]) {
      expect(isStream(value)).toBe(false);
      expect(toSource(value, push)).toBeUndefined();
    }
  });

  it('gives what came before an error of an observable, then the error', async () => {
    const failing = concat(
      of(1, 2),
      throwError(() => new Error('broken')),
    );
    expect(await drain(source(failing))).toEqual([1, 2, 'broken']);
  });

  it('unsubscribes from an observable when it is let go', async () => {
    const subject = new Subject();
    const from = source(subject);
    subject.next(1);
    expect(await from.next()).toEqual({ done: false, value: 1 });
    await from.return?.();
    expect(subject.observed).toBe(false);
    expect(await drain(from)).toEqual([]);
  });

  it('unsubscribes from an observable that gives too much, at once too', async () => {
    const subject = new Subject();
    const from = source(subject);
    for (let i = 0; i < 6; i++) subject.next(i);
    expect(subject.observed).toBe(false);
    expect(await drain(from)).toEqual([0, 1, 2, 3, 'too slow']);
    let subscribed = true;
    const atOnce = {
      subscribe(observer: { next(item: unknown): void }) {
        for (let i = 0; i < 6; i++) observer.next(i);
        return { unsubscribe: () => (subscribed = false) };
      },
    };
    expect(await drain(source(atOnce))).toEqual([0, 1, 2, 3, 'too slow']);
    expect(subscribed).toBe(false);
  });

  it('does as the overflow of an observable says', async () => {
    const subject = new Subject();
    const latest = toSource(subject, { ...push, overflow: 'latest' }) as Source;
    for (let i = 0; i < 6; i++) subject.next(i);
    subject.complete();
    expect(await drain(latest)).toEqual([5]);
  });

  it('leaves no timer of an observable that never ends', async () => {
    for (const observable of [interval(1), NEVER]) await source(observable).return?.();
  });

  it('cancels a ReadableStream when it is let go, iterable or not', async () => {
    for (const wrap of [(stream: ReadableStream) => stream, notIterable]) {
      const { stream, state } = endless();
      const from = source(wrap(stream));
      expect(await from.next()).toEqual({ done: false, value: 1 });
      await from.return?.();
      expect(state.cancelled).toBe(true);
    }
  });

  it('is not made of a ReadableStream that somebody else reads', () => {
    const stream = ReadableStream.from([1]);
    stream.getReader();
    expect(() => toSource(stream, push)).toThrow(TypeError);
  });
});

describe('A stream that is discarded', () => {
  it('is told to stop', async () => {
    let cancelled = false;
    discard(new StreamController({ onCancel: () => (cancelled = true) }));
    expect(cancelled).toBe(true);
    for (const wrap of [(stream: ReadableStream) => stream, notIterable]) {
      const { stream, state } = endless();
      discard(wrap(stream));
      expect(state.cancelled).toBe(true);
    }
    const generator = values(1);
    discard(generator);
    expect(await generator.next()).toEqual({ done: true, value: undefined });
  });

  it('is not subscribed to', () => {
    let subscribed = false;
    discard({ subscribe: () => (subscribed = true) });
    expect(subscribed).toBe(false);
  });

  it('may throw, reject, or be read by somebody else', async () => {
    const locked = ReadableStream.from([1]);
    locked.getReader();
    const throwing = () => {
      throw new Error('broken');
    };
    const broken: unknown[] = [
      locked,
      { [Symbol.asyncIterator]: throwing },
      { [Symbol.asyncIterator]: () => ({ next: throwing, return: throwing }) },
      { [Symbol.asyncIterator]: () => ({ return: () => Promise.reject(new Error('late')) }) },
      { [Symbol.asyncIterator]: () => ({ return: () => undefined }) },
      { [Symbol.asyncIterator]: () => ({}) },
    ];
    for (const stream of broken) discard(stream);
    await new Promise(setImmediate);
  });
});
