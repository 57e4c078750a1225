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
import { interval, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Arg, StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { failure, startApp, until } from './app.js';

const events: string[] = [];

const firstTwo: NestInterceptor = {
  intercept: (_: ExecutionContext, next: CallHandler) => next.handle().pipe(take(2)),
};

/** Goes on answering for ever in the place of a promise method. */
const ticking: NestInterceptor = { intercept: () => interval(1) };

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
  events.length = 0;
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
});
