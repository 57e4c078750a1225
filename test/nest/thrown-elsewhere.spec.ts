import { Catch, Controller, type ExceptionFilter, UseFilters } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  MessageBus,
  StreamError,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { afterTest, collect, failure, startApp, until } from './app.js';
import { allowNothingUnhandled } from './unhandled.js';

const SECRET = 'secret words';
const CODECS: CodecName[] = ['json', 'msgpack'];

allowNothingUnhandled();

@Catch()
class FailingFilter implements ExceptionFilter {
  catch(): never {
    throw new Error(`${SECRET} of a filter`);
  }
}

let subscriber: Subscriber<number> | undefined;
let blocked = 0;
let flooded = 0;
let isRested = false;

@Controller()
class ElsewhereController {
  @StreamingMethod({ overflow: 'dropNewest' })
  pushed() {
    return new Observable<number>((it) => {
      subscriber = it;
    });
  }

  @StreamingMethod()
  async *endless() {
    try {
      for (;;) yield blocked++;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: what is thrown here is the test
      throw new Error(`${SECRET} of a cleanup`);
    }
  }

  @StreamingMethod()
  closing(@StreamSession() session: StreamingSession) {
    session.onClose(() => {
      throw new Error('the first function');
    });
    session.onClose(async () => {
      throw new Error('the second function');
    });
    session.onClose('no function' as unknown as () => void);
    session.onClose(() => events.push('the last function'));
  }

  @StreamingMethod()
  async *listening(@StreamSession() session: StreamingSession) {
    session.messages.addListener('thrown', () => {
      throw new Error('a listener');
    });
    session.messages.addListener('thrown', async () => {
      throw new Error('an asynchronous listener');
    });
    yield 'listening';
    yield* session.messages.subscribe<number>('thrown');
  }

  /** Its teardown throws, whoever it is that ends it. */
  @StreamingMethod()
  torn(ending: 'completes' | 'overflows' | 'goes on') {
    return new Observable<number>((it) => {
      const timer = setInterval(() => {
        const many = ending === 'overflows' ? 10_000 : 1;
        for (let i = 0; i < many; i++) it.next(i);
        if (ending === 'completes') it.complete();
      }, 1);
      return () => {
        clearInterval(timer);
        throw new Error(`${SECRET} of a teardown`);
      };
    });
  }

  /** An iterator may have methods of its own, whatever their names are. */
  @StreamingMethod()
  resting(): AsyncIterable<number> {
    let given = 0;
    const next = async () => ({ done: given === 2, value: given++ });
    const rest = () => {
      isRested = true;
    };
    return { [Symbol.asyncIterator]: () => ({ next, rest }) as AsyncIterator<number> };
  }

  @UseFilters(FailingFilter)
  @StreamingMethod()
  filtered() {
    throw new Error(`${SECRET} of a handler`);
  }

  @StreamingMethod()
  unsendable() {
    throw new StreamError('unavailable', 'Closed.', { data: () => 1 });
  }

  @StreamingMethod()
  async *flood() {
    for (;;) {
      flooded++;
      yield 'x'.repeat(16_384);
    }
  }

  @StreamingMethod()
  ready() {
    return 'ready';
  }
}

const events: string[] = [];

beforeEach(() => {
  events.length = 0;
  subscriber = undefined;
});

async function start(codec: CodecName, windowItems = 4096) {
  const running = await startApp({ controllers: [ElsewhereController] });
  const client = running.connect<{ elsewhere: ElsewhereController }>({
    codec,
    limits: { windowItems },
  });
  return { ...running, elsewhere: client.elsewhere };
}

describe.each(CODECS)('An error behind an output that is blocked, over %s', (codec) => {
  it('comes after the items that wait, once they are read', async () => {
    const { elsewhere } = await start(codec, 4);
    const output = elsewhere.pushed()[Symbol.asyncIterator]();
    const first = output.next();
    await until(() => subscriber !== undefined);
    for (let i = 0; i < 100; i++) subscriber?.next(i);
    subscriber?.error(new Error(SECRET));
    expect(await elsewhere.ready()).toBe('ready');
    const items = [(await first).value];
    const error = await failure(
      (async () => {
        for (let it = await output.next(); it.done !== true; it = await output.next())
          items.push(it.value);
      })(),
    );
    expect(items).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
    expect(error.message).not.toContain('secret');
  });

  it('in the cleanup of a generator that waits for credit is in the log', async () => {
    const { log, server, elsewhere } = await start(codec, 4);
    blocked = 0;
    const stream = elsewhere.endless();
    const output = stream[Symbol.asyncIterator]();
    await output.next();
    await until(() => blocked >= 4);
    expect(await elsewhere.ready()).toBe('ready');
    stream.cancel();
    await until(() => server.callCount === 0);
    expect(log.find('error', `${SECRET} of a cleanup`)).toHaveLength(1);
  });
});

describe.each(CODECS)('An error behind a socket that is not read, over %s', (codec) => {
  it('comes when the socket is read, from a handler that threw and from a cleanup', async () => {
    const { log, port, server } = await start(codec);
    const url = `ws://127.0.0.1:${port}/streaming`;
    const peer = new RawPeer(new WebSocket(url, SUBPROTOCOLS[codec]), codec);
    afterTest(async () => peer.socket.terminate());
    await peer.next();
    peer.send([0, [2 ** 40, 2 ** 40], null]);
    peer.socket.pause();
    peer.send([2, 1, 'elsewhere.flood', [], []]);
    let before = -1;
    while (before !== flooded) {
      before = flooded;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    peer.send([2, 2, 'elsewhere.unsendable', [], []], [2, 3, 'elsewhere.filtered', [], []]);
    peer.send([2, 4, 'elsewhere.torn', ['goes on'], []], [7, 4], [7, 1]);
    await until(() => server.callCount === 0);
    expect(log.find('error', `${SECRET} of a teardown`)).toHaveLength(1);
    peer.socket.resume();
    expect((await peer.output(2)).last[2]).toMatchObject({ code: 'unavailable' });
    expect((await peer.output(3)).last[2]).toMatchObject({ code: 'internal' });
    peer.send([2, 5, 'elsewhere.ready', [], []]);
    expect((await peer.output(5)).items).toEqual(['ready']);
  });
});

describe('What a function throws that runs when its session closes', () => {
  it('is in the log, and keeps the next one from nothing, asynchronous ones included', async () => {
    const { log, elsewhere } = await start('json');
    await elsewhere.closing();
    await until(() => events.length === 1);
    await until(() => log.find('error', 'elsewhere.closing to run at its end').length === 3);
    for (const words of ['the first function', 'the second function', 'not a function']) {
      expect(log.find('error', words)).toHaveLength(1);
    }
  });
});

describe('What a listener of a session throws', () => {
  it('is in the log, and keeps the message from nobody', async () => {
    const { app, log, elsewhere } = await start('json');
    const output = elsewhere.listening()[Symbol.asyncIterator]();
    await output.next();
    await until(() => app.get(MessageBus).subscriberCount('thrown') === 3);
    await app.get(MessageBus).publish('thrown', 1);
    expect((await output.next()).value).toBe(1);
    await until(() => log.find('error', 'A listener of the channel "thrown"').length === 2);
    await output.return?.();
  });
});

describe('A logger that throws', () => {
  it('costs nobody a call', async () => {
    const { app, elsewhere } = await start('json');
    const refuse = (): never => {
      throw new Error('no log today');
    };
    app.useLogger({ log: refuse, warn: refuse, error: refuse, debug: refuse });
    const failing = await failure(elsewhere.unsendable() as never);
    expect(failing).toMatchObject({ code: 'unavailable' });
    await elsewhere.closing();
    for await (const _ of elsewhere.endless()) break;
    expect(await elsewhere.ready()).toBe('ready');
  });
});

describe.each(['completes', 'overflows', 'goes on'] as const)(
  'What the teardown of an observable throws that %s',
  (ending) => {
    it('is in the log, and nothing else notices', async () => {
      const { log, server, elsewhere } = await start('json', 4);
      const stream = elsewhere.torn(ending);
      const output = stream[Symbol.asyncIterator]();
      expect((await output.next()).value).toBe(0);
      if (ending === 'goes on') stream.cancel();
      if (ending === 'completes') expect((await output.next()).done).toBe(true);
      if (ending === 'overflows') {
        const rest = (async () => {
          while ((await output.next()).done !== true);
        })();
        expect((await failure(rest)).code).toBe('slow-consumer');
      }
      await until(() => server.callCount === 0);
      expect(log.find('error', `${SECRET} of a teardown`)).toHaveLength(1);
      expect(await elsewhere.ready()).toBe('ready');
    });
  },
);

describe('An iterator with a method that is called rest', () => {
  it('is left alone', async () => {
    const { log, elsewhere } = await start('json');
    expect(await collect(elsewhere.resting())).toEqual([0, 1]);
    expect(isRested).toBe(false);
    expect(log.find('error', '')).toEqual([]);
  });
});

describe('What an exception filter throws by accident', () => {
  it('is in the log with what the handler threw, and none of it leaves', async () => {
    const { log, elsewhere } = await start('json');
    const error = await failure(elsewhere.filtered() as never);
    expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
    expect(error.message).not.toContain('secret');
    const logged = log.find('error', `error ${error.id}`);
    expect(logged).toEqual([expect.stringContaining(`${SECRET} of a handler`)]);
    expect(logged).toEqual([expect.stringContaining(`${SECRET} of a filter`)]);
  });
});
