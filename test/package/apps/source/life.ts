import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StreamingMethod, StreamingModule } from 'nestjs-streaming';

let stop = (): void => undefined;

@Controller()
export class WorkController {
  @StreamingMethod()
  ping(): string {
    return 'pong';
  }

  /** Ends when the client does. */
  @StreamingMethod()
  async *echo(words: AsyncIterable<string>) {
    for await (const word of words) yield word;
  }

  /** Ends never, whatever its signal says, and has a timer that would keep the process alive. */
  @StreamingMethod()
  async *deaf() {
    yield 'started';
    await new Promise(() => setInterval(() => undefined, 1_000));
  }

  /** Closes the application; ending the process is left to Node. */
  @StreamingMethod()
  close(): void {
    setImmediate(stop);
  }
}

const drainMs = Number(process.env['DRAIN_MS']);

@Module({ imports: [StreamingModule.forRoot({ drainMs })], controllers: [WorkController] })
class LifeModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(LifeModule, { logger: ['error', 'warn'] });
  if (process.env['HOOKS'] === 'on') app.enableShutdownHooks();
  stop = () => void app.close();
  await app.listen(0, '127.0.0.1');
  console.log(`ws://127.0.0.1:${app.getHttpServer().address().port}/streaming`);
}

void main();
