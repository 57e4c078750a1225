import 'reflect-metadata';
import { Controller, Injectable, Scope, UsePipes, ValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { IsInt } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Arg, Serializable, StreamingMethod, StreamParam, StreamSession } from '../../lib/index.js';
import { type AppSetup, startApp } from './app.js';

class Dto {
  @IsInt()
  size = 0;
}

@Serializable('declaration-log.Model')
class Model {
  @IsInt()
  size = 0;
}

class Plain {
  size = 0;
}

@Controller()
class StoreController {
  @StreamingMethod()
  async put(_place: number, _dto: Dto) {}

  @StreamingMethod()
  async fine(_model: Model, _plain: Plain, @Arg({ schema: z.any() }) _dto: Dto) {}

  @UsePipes(ValidationPipe)
  @StreamingMethod()
  async piped(_dto: Dto) {}

  @StreamingMethod()
  async own(@Arg(ValidationPipe) _dto: Dto) {}
}

/** As a compiler leaves a class that it writes no types of. */
function stripped(...names: string[]) {
  class BareController {
    async one(words: unknown) {
      return words;
    }
    async two(words: unknown) {
      return words;
    }
    async none() {}
    async parsed(words: unknown) {
      return words;
    }
    async session(session: unknown) {
      return session;
    }
  }
  const target = BareController.prototype;
  if (names.includes('parsed')) Arg({ schema: z.any() })(target, 'parsed', 0);
  if (names.includes('session')) StreamSession()(target, 'session', 0);
  for (const name of names) {
    const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor;
    StreamingMethod()(target, name, descriptor);
  }
  Controller()(BareController);
  return BareController;
}

async function warnings(setup: AppSetup): Promise<string[]> {
  const { log } = await startApp(setup);
  return log.find('warn', '').map((line) => line.slice('warn '.length));
}

describe('An argument whose class has rules and is not registered', () => {
  it('is told of at the start, with what to do', async () => {
    expect(await warnings({ controllers: [StoreController] })).toEqual([
      "StoreController.put, parameter 2, is Dto, which has class-validator rules and isn't @Serializable(): nothing checks it. Add @Serializable() or a ValidationPipe.",
    ]);
  });

  it('is not told of where a pipe of the application stands before it, whatever its scope', async () => {
    const controllers = [StoreController];
    expect(
      await warnings({ controllers, configure: (app) => app.useGlobalPipes(new ValidationPipe()) }),
    ).toEqual([]);
    @Injectable({ scope: Scope.REQUEST })
    class ScopedPipe extends ValidationPipe {}
    const provider = { provide: APP_PIPE, useClass: ScopedPipe, scope: Scope.REQUEST };
    expect(await warnings({ controllers, providers: [provider] })).toEqual([]);
  });

  it('is not told of where validation is switched off', async () => {
    const options = { validation: false as const };
    expect(await warnings({ controllers: [StoreController], options })).toEqual([]);
  });
});

describe('A method that was compiled without types', () => {
  it('is told of in one line, with how many there are', async () => {
    const told = await warnings({ controllers: [stripped('none', 'one', 'two')] });
    expect(told).toEqual([
      expect.stringMatching(/^BareController\.one and 1 more: compiled without .* esbuild and tsx/),
    ]);
    const [one] = await warnings({ controllers: [stripped('two')] });
    expect(one).toContain('BareController.two: compiled without decorator metadata');
  });

  it('is not told of where nothing goes by a type', async () => {
    expect(await warnings({ controllers: [stripped('none', 'parsed', 'session')] })).toEqual([]);
  });
});

/** As compilers leave a class that is imported as a type. */
function typedAsFunction(decorate: (target: object) => void) {
  class TypedController {
    async run(given: unknown) {
      return given;
    }
  }
  const target = TypedController.prototype;
  const descriptor = Object.getOwnPropertyDescriptor(target, 'run') as PropertyDescriptor;
  StreamingMethod()(target, 'run', descriptor);
  Reflect.defineMetadata('design:paramtypes', [Function], target, 'run');
  decorate(target);
  Controller()(TypedController);
  return TypedController;
}

describe('A class that is imported with `type`', () => {
  it('is told of where an argument is declared as one', async () => {
    expect(await warnings({ controllers: [typedAsFunction(() => undefined)] })).toEqual([
      'TypedController.run, parameter 1, is declared as Function, which no client can send: nothing checks it. Is it imported with `type`? Import it as a value.',
    ]);
    const own = typedAsFunction((target) => Arg({ schema: z.any() })(target, 'run', 0));
    expect(await warnings({ controllers: [own] })).toEqual([]);
  });

  it('fails the start as an input: it could be an Observable', async () => {
    const input = typedAsFunction((target) => StreamParam(() => Number)(target, 'run', 0));
    await expect(startApp({ controllers: [input] })).rejects.toThrow(
      'declare it as AsyncIterable, Observable or ReadableStream. Is it imported with `type`? Import it as a value.',
    );
  });

  it('does no harm to the session', async () => {
    const session = typedAsFunction((target) => StreamSession()(target, 'run', 0));
    expect(await warnings({ controllers: [session] })).toEqual([]);
  });
});
