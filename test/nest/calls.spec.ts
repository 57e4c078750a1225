import { Controller, Injectable, type OnModuleInit } from '@nestjs/common';
import { from, interval, map, Observable, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  StreamController,
  StreamingMethod,
  StreamingSession,
  StreamParam,
  StreamSession,
} from '../../lib/index.js';
import { collect, failure, type Platform, readableOf, startApp, until } from './app.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i += 1) yield i;
}

@Controller()
class ShapesController {
  @StreamingMethod()
  async *generator(count: number) {
    yield* numbers(count);
  }

  @StreamingMethod()
  iterable(count: number): AsyncIterable<number> {
    return { [Symbol.asyncIterator]: () => numbers(count) };
  }

  @StreamingMethod()
  observable(count: number): Observable<number> {
    return from(Array.from({ length: count }, (_, i) => i));
  }

  @StreamingMethod()
  readable(count: number): ReadableStream<number> {
    return readableOf(numbers(count));
  }

  @StreamingMethod()
  async promisedGenerator(count: number) {
    return numbers(count);
  }

  @StreamingMethod()
  async promisedObservable(count: number) {
    return this.observable(count);
  }

  @StreamingMethod()
  async promisedReadable(count: number) {
    return this.readable(count);
  }

  @StreamingMethod()
  value(a: number, b: number): number {
    return a + b;
  }

  @StreamingMethod()
  async promise(text: string): Promise<string> {
    return text.toUpperCase();
  }

  @StreamingMethod()
  nothing(): void {}
}

@Controller()
class InputsController {
  @StreamingMethod()
  async *echo(stream: AsyncIterable<unknown>) {
    for await (const item of stream) yield item;
  }

  @StreamingMethod()
  async sum(@StreamParam(() => Number) stream: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const item of stream) sum += item;
    return sum;
  }

  @StreamingMethod()
  double(stream: Observable<number>): Observable<number> {
    return stream.pipe(map((item) => item * 2));
  }

  @StreamingMethod()
  async *firstTwo(stream: Observable<number>) {
    const taken: number[] = [];
    await stream.pipe(take(2)).forEach((item) => void taken.push(item));
    yield* taken;
  }

  @StreamingMethod()
  pass(stream: ReadableStream<number>): ReadableStream<number> {
    return stream;
  }

  @StreamingMethod()
  async firstOf(stream: ReadableStream<number>): Promise<number | undefined> {
    const reader = stream.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return value;
  }

  @StreamingMethod()
  async *mixed(
    before: string,
    left: AsyncIterable<number>,
    @StreamSession() session: StreamingSession,
    between: number,
    right: AsyncIterable<number>,
    after: boolean,
  ) {
    yield [before, between, after, session.endpoint, session.method];
    for await (const item of left) yield ['left', item];
    for await (const item of right) yield ['right', item];
  }
}

@Injectable()
class HiddenService implements OnModuleInit {
  calls = 0;

  onModuleInit(): void {
    this.calls = 0;
  }

  @StreamingMethod()
  visible(): string {
    return 'seen';
  }

  undecorated(): void {
    this.calls += 1;
  }
}

describe.each<Platform>(['express', 'fastify'])('streaming methods on %s', (platform) => {
  it('give the items of whatever stream they return, in order, and the end', async () => {
    const { connect } = await startApp({ platform, controllers: [ShapesController] });
    const { shapes } = connect<{ shapes: ShapesController }>();
    const expected = [0, 1, 2, 3, 4];
    expect(await collect(shapes.generator(5))).toEqual(expected);
    expect(await collect(shapes.iterable(5))).toEqual(expected);
    expect(await collect(shapes.observable(5))).toEqual(expected);
    expect(await collect(shapes.readable(5))).toEqual(expected);
    expect(await collect(shapes.promisedGenerator(5))).toEqual(expected);
    expect(await collect(shapes.promisedObservable(5))).toEqual(expected);
    expect(await collect(shapes.promisedReadable(5))).toEqual(expected);
  });

  it('give the value of a promise or a plain value, or nothing', async () => {
    const { connect } = await startApp({ platform, controllers: [ShapesController] });
    const { shapes } = connect<{ shapes: ShapesController }>();
    expect(await shapes.value(2, 3)).toBe(5);
    expect(await shapes.promise('text')).toBe('TEXT');
    expect(await shapes.nothing()).toBeUndefined();
  });

  it('read inputs as the parameter is declared', async () => {
    const { connect } = await startApp({ platform, controllers: [InputsController] });
    const { inputs } = connect<{ inputs: InputsController }>();
    expect(await collect(inputs.echo(numbers(3)))).toEqual([0, 1, 2]);
    expect(await inputs.sum(numbers(101))).toBe(5050);
    expect(await collect(inputs.double(numbers(3)))).toEqual([0, 2, 4]);
    expect(await collect(inputs.pass(numbers(3)))).toEqual([0, 1, 2]);
  });

  it('take whatever stream the client has for an input', async () => {
    const { connect } = await startApp({ platform, controllers: [InputsController] });
    const { inputs } = connect<{ inputs: InputsController }>();
    const controller = new StreamController<number>();
    const echoed = collect(inputs.echo(controller));
    controller.add(7);
    controller.close();
    expect(await echoed).toEqual([7]);
    expect(await inputs.sum(from([1, 2, 3]))).toBe(6);
    expect(await inputs.sum(readableOf(numbers(4)))).toBe(6);
  });

  it('tell the source of an input to stop when the handler has enough', async () => {
    const { connect } = await startApp({ platform, controllers: [InputsController] });
    const { inputs } = connect<{ inputs: InputsController }>();
    const stopped: string[] = [];
    const endless = async function* (name: string) {
      try {
        for (let i = 1; ; i += 1) yield i;
      } finally {
        stopped.push(name);
      }
    };
    expect(await collect(inputs.firstTwo(endless('observable')))).toEqual([1, 2]);
    expect(await inputs.firstOf(endless('readable'))).toBe(1);
    await until(() => stopped.length === 2);
  });

  it('have arguments, inputs and the session in their places', async () => {
    const { connect } = await startApp({ platform, controllers: [InputsController] });
    const { inputs } = connect<{ inputs: InputsController }>();
    expect(await collect(inputs.mixed('a', numbers(2), 3, numbers(1), true))).toEqual([
      ['a', 3, true, 'inputs', 'mixed'],
      ['left', 0],
      ['left', 1],
      ['right', 0],
    ]);
  });

  it('are the only ones a client can call', async () => {
    const { app, connect } = await startApp({ platform, providers: [HiddenService] });
    const client = connect<Record<string, Record<string, () => Promise<unknown>>>>();
    const call = (endpoint: string, method: string) => client[endpoint]?.[method]?.();
    expect(await call('hidden', 'visible')).toBe('seen');
    const names = ['undecorated', 'constructor', '__proto__', 'onModuleInit', 'toString', 'none'];
    for (const name of names) {
      const error = await failure(Promise.resolve(call('hidden', name)));
      expect(error).toMatchObject({ code: 'not-found' });
    }
    const elsewhere = await failure(Promise.resolve(call('nowhere', 'visible')));
    expect(elsewhere).toMatchObject({ code: 'not-found' });
    expect(app.get(HiddenService).calls).toBe(0);
  });
});

describe('an observable', () => {
  @Controller()
  class TickController {
    ticks = 0;

    @StreamingMethod()
    tick(): Observable<number> {
      return interval(1).pipe(map(() => ++this.ticks));
    }
  }

  it('is unsubscribed from when the client leaves', async () => {
    const { app, server, connect } = await startApp({ controllers: [TickController] });
    const { tick } = connect<{ tick: TickController }>();
    for await (const item of tick.tick()) if (item === 3) break;
    await until(() => server.callCount === 0);
    const { ticks } = app.get(TickController);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(app.get(TickController).ticks).toBe(ticks);
  });
});
