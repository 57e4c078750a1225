import {
  Controller,
  Injectable,
  type NestInterceptor,
  ParseIntPipe,
  Scope,
  UseInterceptors,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  Arg,
  MessageBus,
  Serializable,
  StreamingMethod,
  StreamingSession,
  StreamParam,
  StreamSession,
} from '../../lib/index.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { RawServer } from '../protocol/raw-server.js';
import { afterTest, collect, connectTo, failure, startApp, until } from './app.js';

const CODECS: CodecName[] = ['json', 'msgpack'];

@Serializable('CasesPoint')
class Point {
  x = 0;

  static at(x: number): Point {
    return Object.assign(new Point(), { x });
  }
}

const passing: NestInterceptor = { intercept: (_, next) => next.handle() };

let open: () => void = () => undefined;
let subscribed = 0;

/** What stays open until the test opens it. */
function gate(): Promise<void> {
  return new Promise((resolve) => {
    open = resolve;
  });
}

@Controller()
class CasesController {
  @StreamingMethod()
  async *echo(input: AsyncIterable<unknown>) {
    yield* input;
  }

  @StreamingMethod({ yields: () => [Point, Number] })
  async *nullable(@StreamParam(() => [Point, Number, null]) input: AsyncIterable<unknown>) {
    yield* input;
  }

  @StreamingMethod()
  async *watched(@StreamSession() session: StreamingSession, input: AsyncIterable<unknown>) {
    session.signal.addEventListener('abort', () => events.push('signal aborted'));
    session.onClose(() => events.push('session closed'));
    session.messages.addListener('cases', () => undefined);
    const updates = session.messages.subscribe('cases');
    try {
      yield 'ready';
      yield* updates;
      yield* input;
    } finally {
      events.push('finally');
    }
  }

  @StreamingMethod()
  rest(first: unknown, ...rest: unknown[]) {
    return [first, rest.length, rest];
  }

  @StreamingMethod()
  defaults(one = 'one', two = 'two') {
    return [one, two];
  }

  @StreamingMethod()
  piped(@Arg(ParseIntPipe) n: number) {
    return n;
  }

  @StreamingMethod()
  async late() {
    await gate();
    return observed();
  }

  @UseInterceptors(passing)
  @StreamingMethod()
  async lateIntercepted() {
    await gate();
    return observed();
  }
}

function observed(): Observable<number> {
  return new Observable(() => {
    subscribed++;
  });
}

const events: string[] = [];

async function start(codec: CodecName) {
  const running = await startApp({ controllers: [CasesController] });
  const client = running.connect<{ cases: CasesController }>({ codec, models: [Point] });
  return { ...running, client, cases: client.cases };
}

async function* of<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

describe.each(CODECS)('A call of a Nest app over %s', (codec) => {
  it('brings numbers, texts and models of one stream back with their types, and null', async () => {
    const { cases } = await start(codec);
    const items = [1, 'text', Point.at(2), null, 1.5, '', [null, Point.at(3)]];
    const given = await collect(cases.echo(of(...items)));
    expect(given).toEqual(items);
    expect(given[2]).toBeInstanceOf(Point);
    expect((given[6] as unknown[])[1]).toBeInstanceOf(Point);
  });

  it('brings the null items of a stream with types back as null', async () => {
    const { cases } = await start(codec);
    const items = [Point.at(1), null, 2, null];
    expect(await collect(cases.nullable(of(...items)))).toEqual(items);
    const wrong = await failure(cases.nullable(of('text')));
    expect(wrong).toMatchObject({ code: 'invalid-argument' });
  });

  it('is cancelled by break: finally runs, the signal is aborted, the session closes, its subscriptions end', async () => {
    const { app, server, cases } = await start(codec);
    events.length = 0;
    const bus = app.get(MessageBus);
    let isStopped = false;
    const input = async function* () {
      try {
        for (;;) yield await new Promise((resolve) => setTimeout(resolve, 1));
      } finally {
        isStopped = true;
      }
    };
    for await (const _ of cases.watched(input())) {
      await until(() => bus.subscriberCount('cases') === 2);
      break;
    }
    await until(() => server.callCount === 0);
    expect(events).toEqual(['signal aborted', 'finally', 'session closed']);
    expect(bus.subscriberCount('cases')).toBe(0);
    await until(() => isStopped);
  });

  it('has as many arguments as were sent, though the last of them are undefined', async () => {
    const { cases } = await start(codec);
    expect(await cases.rest(1)).toEqual([1, 0, []]);
    expect(await cases.rest(undefined)).toEqual([undefined, 0, []]);
    expect(await cases.rest(1, 2, undefined)).toEqual([1, 2, [2, undefined]]);
    expect(await cases.rest(1, undefined)).toEqual([1, 1, [undefined]]);
    expect(await cases.defaults()).toEqual(['one', 'two']);
    expect(await cases.defaults('1', undefined)).toEqual(['1', 'two']);
  });

  it('without an argument that a pipe asks for is refused', async () => {
    const { cases } = await start(codec);
    const loose = cases as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    expect(await failure(loose['piped']?.() as Promise<unknown>)).toMatchObject({
      code: 'invalid-argument',
    });
    expect(await failure(loose['nullable']?.() as Promise<unknown>)).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'argument 1', constraints: { type: 'must be a stream' } }],
    });
  });

  it.each(['late', 'lateIntercepted'] as const)(
    'that was cancelled subscribes to no observable that comes too late: %s',
    async (method) => {
      const { server, cases } = await start(codec);
      subscribed = 0;
      const output = cases[method]();
      await until(() => server.callCount === 1);
      output.cancel();
      await until(() => [...server.connections].every(({ callCount }) => callCount === 1));
      await new Promise((resolve) => setTimeout(resolve, 10));
      open();
      await until(() => server.callCount === 0);
      expect(subscribed).toBe(0);
    },
  );
});

describe('Two calls of one method at the same time', () => {
  class Counting {
    count = 0;

    @StreamingMethod()
    async enter(@StreamSession() session: StreamingSession) {
      this.count++;
      await until(() => entered.size === 2);
      return [session.id, this.count];
    }

    @StreamingMethod()
    async entered(@StreamSession() session: StreamingSession) {
      entered.add(session.id);
      return this.enter(session);
    }
  }
  const entered = new Set<string>();

  it.each([
    ['share the fields of a singleton', Scope.DEFAULT, 2],
    ['have fields of their own in a request-scoped provider', Scope.REQUEST, 1],
  ])('have sessions of their own, and %s', async (_, scope, count) => {
    @Injectable({ scope })
    class CountingService extends Counting {}
    const { connect } = await startApp({ providers: [CountingService] });
    const { counting } = connect<{ counting: CountingService }>();
    entered.clear();
    const results = await Promise.all([counting.entered(), counting.entered()]);
    expect(results.map(([, seen]) => seen)).toEqual([count, count]);
    expect(new Set(results.map(([id]) => id)).size).toBe(2);
  });
});

describe.each(CODECS)('An input that has ended, over %s', (codec) => {
  it('is not told to stop by the server', async () => {
    const { port } = await start(codec);
    const url = `ws://127.0.0.1:${port}/streaming`;
    const peer = new RawPeer(new WebSocket(url, SUBPROTOCOLS[codec]), codec);
    afterTest(async () => peer.socket.terminate());
    await peer.next();
    peer.send([0, [100, 100_000], null], [2, 1, 'cases.echo', [null], [0]]);
    peer.send(peer.item(2, 'a'), [5, 2]);
    const frames = [...(await peer.until(([type]) => type === 5)), ...(await peer.settled())];
    expect(frames.map(([type]) => type)).toEqual([3, 4, 5]);
  });

  it('is not ended a second time by the client', async () => {
    const server = await RawServer.start();
    afterTest(() => server.stop());
    const client = connectTo<{ cases: CasesController }>(Number(new URL(server.url).port), {
      codec,
    });
    const output = collect(client.cases.echo(of('a')));
    const peer = await server.welcome();
    const sent = await peer.until(([type]) => type === 5);
    expect(sent.map(([type]) => type)).toEqual([2, 4, 5]);
    peer.send([3, 1, 'stream'], peer.item(1, 'a'), [5, 1]);
    expect(await output).toEqual(['a']);
    expect(await peer.settled()).toEqual([]);
  });
});
