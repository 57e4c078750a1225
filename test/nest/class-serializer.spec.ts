import {
  type CallHandler,
  ClassSerializerInterceptor,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
  SerializeOptions,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { Exclude, Expose, Transform } from 'class-transformer';
import { describe, expect, it } from 'vitest';
import { Serializable, StreamingMethod } from '../../lib/index.js';
import { collect, startApp } from './app.js';

@Serializable('serializer.User')
class User {
  id = 0;
  @Exclude() password = '';
  @Expose({ name: 'called' }) name = '';
  @Expose({ groups: ['admin'] }) email = '';
  @Transform(({ value }) => value.toUpperCase(), { toPlainOnly: true }) city = '';
  createdAt = new Date(0);

  static ann(): User {
    const secret = { password: 'secret', email: 'ann@example.org' };
    const known = { id: 1, name: 'Ann', city: 'Bern', createdAt: new Date(5) };
    return Object.assign(new User(), known, secret);
  }
}

/** What every client may see of a user. */
const SEEN = { id: 1, called: 'Ann', city: 'BERN', createdAt: new Date(5) };

@Controller('users')
class UserController {
  @StreamingMethod({ yields: () => User })
  async *all() {
    for (let n = 0; n < 3; n += 1) yield User.ann();
  }

  @StreamingMethod()
  async one(): Promise<User> {
    return User.ann();
  }

  @StreamingMethod()
  async *mixed() {
    yield 'text';
    yield null;
    yield new Date(5);
    yield [User.ann()];
  }

  @SerializeOptions({ groups: ['admin'] })
  @StreamingMethod({ yields: () => User })
  async *forAdmins() {
    yield User.ann();
  }

  @SerializeOptions({ strategy: 'excludeAll' })
  @StreamingMethod({ yields: () => User })
  async *strictly() {
    yield User.ann();
  }

  @Get()
  http(): User {
    return User.ann();
  }
}

/** What the guide shows: over HTTP alone. */
@Injectable()
class HttpSerializerInterceptor implements NestInterceptor {
  private readonly serializer: ClassSerializerInterceptor;

  constructor(reflector: Reflector) {
    this.serializer = new ClassSerializerInterceptor(reflector);
  }

  intercept(context: ExecutionContext, next: CallHandler) {
    return context.getType() === 'http' ? this.serializer.intercept(context, next) : next.handle();
  }
}

async function start(interceptor: Type) {
  const { connect, port } = await startApp({
    controllers: [UserController],
    providers: [{ provide: APP_INTERCEPTOR, useClass: interceptor }],
  });
  const client = connect<{ user: UserController }>({ models: [User] });
  const http = async () => (await fetch(`http://127.0.0.1:${port}/users`)).json();
  return { user: client.user, http };
}

describe('ClassSerializerInterceptor', () => {
  it('makes plain objects of a stream’s models, as their decorators say', async () => {
    const { user } = await start(ClassSerializerInterceptor);
    const items = await collect(user.all());
    expect(items).toEqual([SEEN, SEEN, SEEN]);
    expect(items.some((it) => it instanceof User)).toBe(false);
  });

  it('makes one of what a promise method gives', async () => {
    const { user } = await start(ClassSerializerInterceptor);
    const one = await user.one();
    expect(one).toEqual(SEEN);
    expect(one).not.toBeInstanceOf(User);
  });

  it('leaves texts, nulls and dates as they are, and goes into lists', async () => {
    const { user } = await start(ClassSerializerInterceptor);
    expect(await collect(user.mixed())).toEqual(['text', null, new Date(5), [SEEN]]);
  });

  it('costs bytes, maps and sets what instanceToPlain() costs them', async () => {
    @Controller()
    @UseInterceptors(ClassSerializerInterceptor)
    class ByteController {
      @StreamingMethod()
      async *all() {
        yield new Uint8Array([7]);
        yield new Map([['a', 7]]);
        yield new Set([7]);
      }
    }
    const { connect } = await startApp({ controllers: [ByteController] });
    const { byte } = connect<{ byte: ByteController }>();
    expect(await collect(byte.all())).toEqual([{ 0: 7 }, { a: 7 }, [7]]);
  });

  it('follows @SerializeOptions()', async () => {
    const { user } = await start(ClassSerializerInterceptor);
    expect(await collect(user.forAdmins())).toEqual([{ ...SEEN, email: 'ann@example.org' }]);
    expect(await collect(user.strictly())).toEqual([{ called: 'Ann' }]);
  });

  it('is given by @UseInterceptors(), too', async () => {
    @Controller()
    @UseInterceptors(ClassSerializerInterceptor)
    class OwnController {
      @StreamingMethod()
      async *all() {
        yield User.ann();
      }
    }
    const { connect } = await startApp({ controllers: [OwnController] });
    const { own } = connect<{ own: OwnController }>({ models: [User] });
    expect(await collect(own.all())).toEqual([SEEN]);
  });
});

describe('A ClassSerializerInterceptor for HTTP alone', () => {
  it('leaves models to be instances that obey their decorators all the same', async () => {
    const { user, http } = await start(HttpSerializerInterceptor);
    const [item, one] = [(await collect(user.all()))[0], await user.one()];
    for (const it of [item, one]) {
      expect(it).toBeInstanceOf(User);
      expect(it).toMatchObject({ ...SEEN, password: '', email: '' });
    }
    expect(await http()).toEqual({ ...SEEN, createdAt: new Date(5).toISOString() });
  });
});
