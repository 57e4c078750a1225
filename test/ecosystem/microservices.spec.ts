import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingModule } from '../../lib/index.js';
import { afterTest, collect, connectTo, failure, listen } from '../nest/app.js';

/** Which kinds of context the global guard has seen. */
const seen: string[] = [];

beforeEach(() => {
  seen.length = 0;
});

@Injectable()
class NotingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    seen.push(context.getType());
    return true;
  }
}

class ShoutPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

/** One controller for HTTP, for messages and for calls. */
@Controller()
class SumController {
  @StreamingMethod()
  async *letters(word: string) {
    yield* word;
  }

  @MessagePattern('echo')
  echo(word: string): string {
    return word;
  }

  @Get('hello')
  hello(): string {
    return 'hello';
  }
}

@Module({
  imports: [StreamingModule],
  controllers: [SumController],
  providers: [{ provide: APP_GUARD, useClass: NotingGuard }],
})
class AppModule {}

const TCP: MicroserviceOptions = {
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: 0 },
};

/** Sends a message to the microservice that listens there. */
async function send(server: { address(): unknown }, word: string): Promise<unknown> {
  const { port } = server.address() as { port: number };
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  try {
    return await firstValueFrom(client.send('echo', word));
  } finally {
    await client.close();
  }
}

describe('a hybrid application', () => {
  async function start(hybrid: { inheritAppConfig?: boolean; deferInitialization?: boolean }) {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    const app = module.createNestApplication();
    app.useGlobalPipes(new ShoutPipe());
    const microservice = app.connectMicroservice<MicroserviceOptions>(TCP, hybrid);
    await app.startAllMicroservices();
    return { microservice, ...(await listen(app)) };
  }

  it.each([
    ['with a configuration of its own', {}, 'ab', ['ws', 'http']],
    [
      "with the application's configuration",
      { inheritAppConfig: true },
      'AB',
      ['rpc', 'ws', 'http'],
    ],
  ])('runs calls, messages and requests, %s', async (_, hybrid, echoed, kinds) => {
    const { microservice, connect, port } = await start(hybrid);
    expect(await send(microservice.unwrap(), 'ab')).toBe(echoed);
    const { sum } = connect<{ sum: SumController }>();
    expect(await collect(sum.letters('ab'))).toEqual(['A', 'B']);
    const response = await fetch(`http://127.0.0.1:${port}/hello`, {
      headers: { connection: 'close' },
    });
    expect(await response.text()).toBe('hello');
    expect(seen).toEqual(kinds);
  });

  it('may be initialized late', async () => {
    const { microservice, connect } = await start({ deferInitialization: true });
    expect(await send(microservice.unwrap(), 'ab')).toBe('ab');
    const { sum } = connect<{ sum: SumController }>();
    expect(await collect(sum.letters('ab'))).toEqual(['A', 'B']);
  });

  it('lets calls end when it closes', async () => {
    const { app, connect } = await start({});
    const letters = connect<{ sum: SumController }>().sum.letters('ab')[Symbol.asyncIterator]();
    await letters.next();
    const closing = app.close();
    expect((await letters.next()).value).toBe('B');
    await letters.next();
    await closing;
  });
});

describe('without an HTTP server', () => {
  async function freePort(): Promise<number> {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    return port;
  }

  function moduleOn(port: number) {
    @Module({
      imports: [StreamingModule.forRoot({ port })],
      controllers: [SumController],
      providers: [{ provide: APP_GUARD, useClass: NotingGuard }],
    })
    class WorkerModule {}
    return WorkerModule;
  }

  it('a microservice serves calls on a port of their own, behind its global enhancers', async () => {
    const port = await freePort();
    const options = { ...TCP, logger: false as const };
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(moduleOn(port), options);
    afterTest(() => app.close());
    app.useGlobalPipes(new ShoutPipe());
    await app.listen();
    const { sum } = connectTo<{ sum: SumController }>(port);
    expect(await collect(sum.letters('ab'))).toEqual(['A', 'B']);
    expect(await send(app.unwrap(), 'ab')).toBe('AB');
    expect(seen).toEqual(['ws', 'rpc']);
    await app.close();
    expect(await failure(sum.letters('ab'))).toMatchObject({ name: 'StreamError' });
  });

  it('an application context runs APP_GUARD and its like', async () => {
    const port = await freePort();
    const app = await NestFactory.createApplicationContext(moduleOn(port), { logger: false });
    afterTest(() => app.close());
    const { sum } = connectTo<{ sum: SumController }>(port);
    expect(await collect(sum.letters('ab'))).toEqual(['a', 'b']);
    expect(seen).toEqual(['ws']);
  });
});
