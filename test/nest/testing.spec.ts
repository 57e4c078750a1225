import { type CanActivate, Controller, Injectable, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingModule } from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';

@Injectable()
class Nobody implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Words {
  all(): string[] {
    return ['real'];
  }
}

@Controller()
class WordsController {
  constructor(private readonly words: Words) {}

  @UseGuards(Nobody)
  @StreamingMethod()
  async *list() {
    yield* this.words.all();
  }
}

function createModule() {
  return Test.createTestingModule({
    imports: [StreamingModule.forRoot()],
    controllers: [WordsController],
    providers: [Words],
  });
}

describe('createTestingClient', () => {
  it('runs the guards of the app', async () => {
    const app = (await createModule().compile()).createNestApplication();
    await app.init();
    const client = createTestingClient<{ words: WordsController }>(app);
    await expect(client.words.list()).rejects.toMatchObject({ code: 'permission-denied' });
    await client.close();
    await app.close();
  });

  it('fails calls with errors whose stacks tell where they were made', async () => {
    const app = (await createModule().compile()).createNestApplication();
    await app.init();
    const client = createTestingClient<{ words: WordsController }>(app);
    function callsTwice() {
      return [client.words.list(), client.words.list()];
    }
    for (const call of callsTwice()) {
      const error: unknown = await call.then(null, (why: unknown) => why);
      expect(
        String((error as Error).stack).match(/at callsTwice \(.*testing\.spec\.ts/g),
      ).toHaveLength(1);
    }
    await client.close();
    const late: unknown = await client.words.list().then(null, (error: unknown) => error);
    expect(String((late as Error).stack)).toContain('testing.spec.ts');
    await app.close();
  });

  it('sees guards and providers that were overridden', async () => {
    const module = await createModule()
      .overrideGuard(Nobody)
      .useValue({ canActivate: () => true })
      .overrideProvider(Words)
      .useValue({ all: () => ['overridden'] })
      .compile();
    const app = module.createNestApplication();
    await app.init();
    const client = createTestingClient<{ words: WordsController }>(app);
    const words: string[] = [];
    for await (const word of client.words.list()) words.push(word);
    expect(words).toEqual(['overridden']);
    await client.close();
    await app.close();
  });
});
