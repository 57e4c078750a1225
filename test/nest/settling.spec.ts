import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  BadRequestException,
  type CallHandler,
  Controller,
  type ExecutionContext,
  type NestInterceptor,
  ParseIntPipe,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { catchError, finalize, interval, of, take, tap, timeout } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Arg, StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { failure, startApp, until } from './app.js';

const events: string[] = [];

const firstTwo: NestInterceptor = {
  intercept: (_: ExecutionContext, next: CallHandler) => next.handle().pipe(take(2)),
};

/** Goes on answering for ever in the place of a promise method. */
const ticking: NestInterceptor = { intercept: () => interval(1) };

const impatient: NestInterceptor = {
  intercept: (_: ExecutionContext, next: CallHandler) => next.handle().pipe(timeout(20)),
};

const forgiving: NestInterceptor = {
  intercept: (_: ExecutionContext, next: CallHandler) =>
    next.handle().pipe(
      timeout(20),
      catchError(() => of('instead')),
    ),
};

const watching: NestInterceptor = {
  intercept: (_: ExecutionContext, next: CallHandler) =>
    next.handle().pipe(
      tap(() => events.push('seen')),
      finalize(() => events.push('finalized')),
    ),
};

let started = 0;
let finish: () => void;

/** Runs on when its call is over, until the test lets it end. */
async function runOn(session: StreamingSession): Promise<void> {
  session.onClose(() => events.push('closed'));
  session.signal.addEventListener('abort', () => events.push('aborted'));
  started += 1;
  await new Promise<void>((resolve) => {
    finish = resolve;
  });
  events.push('finished');
}

class UnshowableError extends Error {
  [inspect.custom](): never {
    throw new Error('can not be shown');
  }
}

@Controller()
class SettlingController {
  @StreamingMethod()
  pipes(@Arg(ParseIntPipe) one: number, two: number) {
    return one + two;
  }

  @UseInterceptors(firstTwo)
  @StreamingMethod()
  async *shortened(@StreamSession() session: StreamingSession) {
    session.onClose(() => events.push('closed'));
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 20));
      events.push('finally');
    }
  }

  @UseInterceptors(ticking)
  @StreamingMethod()
  async answered(): Promise<number> {
    return 1;
  }

  @UseInterceptors(impatient)
  @StreamingMethod()
  async tooSlow(@StreamSession() session: StreamingSession, ending: string): Promise<void> {
    await runOn(session);
    if (ending === 'heeds its signal') await sleep(1, undefined, { signal: session.signal });
    if (ending === 'fails') throw new Error('too late');
  }

  @UseInterceptors(forgiving)
  @StreamingMethod()
  async replaced(@StreamSession() session: StreamingSession): Promise<string> {
    await runOn(session);
    return 'too late';
  }

  @UseInterceptors(impatient)
  @StreamingMethod()
  async slowStream(@StreamSession() session: StreamingSession) {
    await runOn(session);
    const cancel = async () => {
      await sleep(1);
      events.push('let go');
    };
    return new ReadableStream({ cancel });
  }

  @UseInterceptors(watching)
  @StreamingMethod()
  async watched(@StreamSession() session: StreamingSession): Promise<string> {
    await runOn(session);
    return 'value';
  }

  @StreamingMethod()
  async *badCleanup(@StreamSession() session: StreamingSession) {
    try {
      yield 'started';
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: what is thrown here is the test
      throw new Error('the cleanup failed');
    }
  }

  @StreamingMethod()
  unshowable(): never {
    throw new UnshowableError();
  }

  @UseGuards({
    canActivate: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new BadRequestException('late');
    },
  })
  @StreamingMethod()
  deniedLate() {}
}

async function start() {
  events.length = started = 0;
  const running = await startApp({ controllers: [SettlingController] });
  return { ...running, settling: running.connect<{ settling: SettlingController }>().settling };
}

describe('A call', () => {
  it('of two bad arguments fails, and leaves no rejection that nobody handles', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const { settling } = await start();
    const bad = settling.pipes as unknown as (...args: string[]) => Promise<unknown>;
    expect(await failure(bad('abc', 'def'))).toMatchObject({ code: 'invalid-argument' });
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it("closes after the handler's cleanup when an interceptor shortens it", async () => {
    const { settling } = await start();
    const items: number[] = [];
    for await (const item of settling.shortened()) items.push(item);
    await until(() => events.length === 2);
    expect([items, events]).toEqual([
      [0, 1],
      ['finally', 'closed'],
    ]);
  });

  it('lets go of an interceptor that answers for ever when it is cancelled', async () => {
    const { server, settling } = await start();
    const answer = settling.answered();
    await until(() => server.callCount === 1);
    answer.cancel();
    await failure(answer);
    await until(() => server.callCount === 0);
  });

  it('has in the log what its cleanup throws while it waits, cancelled', async () => {
    const { log, settling } = await start();
    for await (const _ of settling.badCleanup()) break;
    await until(() => log.find('error', 'the cleanup failed').length === 1);
  });

  it('ends although its error can not be shown in the log', async () => {
    const { server, settling } = await start();
    expect(await failure(settling.unshowable() as Promise<never>)).toMatchObject({
      code: 'internal',
    });
    await until(() => server.callCount === 0);
  });

  it('that is denied after its client left is no error in the log', async () => {
    const { log, server, settling } = await start();
    const call = settling.deniedLate();
    await until(() => server.callCount === 1);
    call.cancel();
    await failure(call);
    await until(() => server.callCount === 0);
    expect(log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it.each(['ends', 'heeds its signal', 'fails'])(
    'that an interceptor ended early keeps its place until its handler %s',
    async (ending) => {
      const { log, server, settling } = await start();
      expect(await failure(settling.tooSlow(ending))).toMatchObject({ code: 'internal' });
      expect([events, server.callCount]).toEqual([['aborted'], 1]);
      finish();
      await until(() => server.callCount === 0);
      expect(events).toEqual(['aborted', 'finished', 'closed']);
      expect(log.find('error', 'when its call was over')).toHaveLength(ending === 'fails' ? 1 : 0);
    },
  );

  it('that an interceptor answered keeps its place until its handler ends', async () => {
    const { server, settling } = await start();
    expect(await settling.replaced()).toBe('instead');
    expect([events, server.callCount]).toEqual([['aborted'], 1]);
    finish();
    await until(() => server.callCount === 0);
    expect(events).toEqual(['aborted', 'finished', 'closed']);
  });

  it('that an interceptor ended early lets go of the stream that comes too late', async () => {
    const { server, settling } = await start();
    expect(await failure(settling.slowStream())).toMatchObject({ code: 'internal' });
    finish();
    await until(() => server.callCount === 0);
    expect(events).toEqual(['aborted', 'finished', 'let go', 'closed']);
  });

  it('that is cancelled is over for its interceptors at once', async () => {
    const { server, settling } = await start();
    const call = settling.watched();
    await until(() => started === 1);
    call.cancel();
    await failure(call);
    await until(() => events.length === 2);
    expect([events, server.callCount]).toEqual([['finalized', 'aborted'], 1]);
    finish();
    await until(() => server.callCount === 0);
    expect(events).toEqual(['finalized', 'aborted', 'finished', 'closed']);
  });
});
