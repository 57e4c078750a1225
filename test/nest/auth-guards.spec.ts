import type { IncomingMessage, Server } from 'node:http';
import {
  Controller,
  Get,
  HttpException,
  Inject,
  Injectable,
  Scope,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Public,
  RequireLogin,
  RequireScopes,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { failure, type RunningApp, startApp, until } from './app.js';
import { ANNA, delay, ENDPOINTS, startAuthApp } from './auth-app.js';

async function first(items: AsyncIterable<string>): Promise<string | undefined> {
  for await (const item of items) return item;
  return undefined;
}

describe.each(ENDPOINTS)('Authentication on the endpoint %s', (endpoint) => {
  it('lets public calls run for nobody, and for bad credentials', async () => {
    const { as } = await startAuthApp();
    for (const token of [null, 'nonsense']) {
      expect(await as(token)[endpoint].who()).toBeNull();
      expect(await first(as(token)[endpoint].open())).toBe('open-0');
    }
  });

  it('refuses protected calls to nobody and for bad credentials; no handler starts', async () => {
    const { as, work } = await startAuthApp();
    for (const token of [null, 'nonsense']) {
      for (const call of [
        as(token)[endpoint].secrets(),
        as(token)[endpoint].drawings(),
        as(token)[endpoint].value(0),
      ]) {
        expect(await failure(call)).toMatchObject({ code: 'unauthenticated' });
      }
    }
    expect(work.started).toBe(0);
  });

  it('refuses who has not the scope, without telling which one it is', async () => {
    const { as, work } = await startAuthApp();
    const error = await failure(as('ben')[endpoint].drawings());
    expect(error).toMatchObject({ code: 'permission-denied' });
    expect(JSON.stringify(error)).not.toContain('draw');
    expect(work.started).toBe(0);
  });

  it('gives the items to who is signed in with the scope, and the session knows who it is', async () => {
    const { as } = await startAuthApp();
    const anna = as('anna')[endpoint];
    expect(await anna.who()).toEqual(ANNA);
    expect(await first(anna.secrets())).toBe('secret of anna-0');
    expect(await first(anna.drawings())).toBe('drawing-0');
    expect(await anna.value(0)).toBe('secret value');
  });

  it('authenticates once per connection, however many calls there are', async () => {
    const { accounts, as } = await startAuthApp();
    const anna = as('anna')[endpoint];
    await Promise.all([first(anna.secrets()), first(anna.drawings()), anna.who(), anna.plain()]);
    await anna.who();
    expect(accounts.asked).toEqual(['anna']);
  });

  it('starts no handler for a client that gave up while a guard was asked', async () => {
    const { as, guard, server, work } = await startAuthApp();
    const items = vi.spyOn(work, 'items');
    let answer: () => void = () => {};
    guard.answer = () =>
      new Promise((resolve) => {
        answer = () => resolve(true);
      });
    const client = as('anna');
    const reading = client[endpoint].own()[Symbol.asyncIterator]();
    void reading.next().catch(() => {});
    await until(() => guard.asked === 1);
    await reading.return?.();
    await until(() => [...server.connections].every((it) => it.callCount === 1));
    await delay(10);
    answer();
    await until(() => server.callCount === 0);
    expect(items).not.toHaveBeenCalled();
  });

  it('asks a guard once for each call, when nothing changes', async () => {
    const { as, guard } = await startAuthApp();
    const anna = as('anna')[endpoint];
    await first(anna.own());
    await first(anna.own());
    expect(guard.asked).toBe(2);
  });
});

describe('A slow, hanging or throwing authenticator', () => {
  it('is not felt by public calls, even when it never answers', async () => {
    const { accounts, as } = await startAuthApp({ auth: { authenticatorTimeoutMs: 700 } });
    accounts.before = () => new Promise(() => {});
    const { house, tent } = as('anna');
    const secret = failure(house.secrets());
    const begun = performance.now();
    expect(await house.plain()).toBe('plain');
    expect(accounts.asked).toHaveLength(1);
    expect(await house.who()).toBeNull();
    expect(await tent.plain()).toBe('plain');
    expect(performance.now() - begun).toBeLessThan(690);
    expect(await secret).toMatchObject({ code: 'unavailable' });
    expect(await house.who()).toBeNull();
  });

  it('is waited for by protected calls, and for a moment by those that see the session', async () => {
    const { accounts, as } = await startAuthApp();
    accounts.before = () => delay(50);
    const { house, tent } = as('anna');
    expect(await Promise.all([house.who(), tent.who(), first(house.secrets())])).toEqual([
      ANNA,
      ANNA,
      'secret of anna-0',
    ]);
  });

  it('that throws an exception of Nest gives that to the calls that need it', async () => {
    const { accounts, as, log } = await startAuthApp();
    accounts.before = () => {
      throw new ServiceUnavailableException('Come back later.');
    };
    const { house } = as('anna');
    expect(await house.plain()).toBe('plain');
    expect(await failure(house.secrets())).toMatchObject({ message: 'Come back later.' });
    accounts.before = () => {
      throw new HttpException('Locked', 403);
    };
    expect(await failure(as('anna').house.drawings())).toMatchObject({
      code: 'permission-denied',
      message: 'Locked',
    });
    expect(log.find('warn', 'Come back later.')).not.toEqual([]);
  });

  it('that throws anything else knows nobody; the log has it once, without the credentials', async () => {
    const { accounts, as, log } = await startAuthApp();
    accounts.before = (credentials) => {
      throw Object.assign(new Error(`jwt malformed: ${credentials}`), { token: credentials });
    };
    const { house } = as('the-secret-token');
    expect(await failure(house.secrets())).toMatchObject({
      code: 'unauthenticated',
      message: 'Sign in first.',
    });
    expect(await house.who()).toBeNull();
    expect(
      log.find('warn', 'jwt malformed').filter((it) => it.includes('The authenticator threw')),
    ).not.toEqual([]);
    expect(log.lines.join('\n')).not.toContain('the-secret-token');
  });

  it('that refuses a token says why in a line, and of an accident of its own where it was', async () => {
    const { accounts, as, log } = await startAuthApp();
    class TokenExpiredError extends Error {
      override name = 'TokenExpiredError';
    }
    accounts.before = (credentials) => {
      throw new TokenExpiredError(`jwt expired: ${credentials}`);
    };
    await failure(as('the-secret-token').house.secrets());
    const lines = log.find('warn', 'The authenticator threw');
    expect(lines).not.toEqual([]);
    for (const line of lines)
      expect(line).toMatch(/: "TokenExpiredError: jwt expired: \[cred[^ ]+"$/);
    expect(log.find('debug', 'auth-guards.spec')).not.toEqual([]);
    expect(log.lines.join('\n')).not.toContain('the-secret-token');
    accounts.before = () => {
      throw new TypeError('claims is undefined');
    };
    await failure(as('other').house.secrets());
    expect(log.find('warn', 'claims is undefined\\n    at ')).not.toEqual([]);
  });

  it('that gives what is no answer knows nobody', async () => {
    const { accounts, as, log } = await startAuthApp();
    accounts.tokens.set('odd', { userId: '' });
    expect(await failure(as('odd').house.secrets())).toMatchObject({ code: 'unauthenticated' });
    expect(log.find('warn', 'userId')).not.toEqual([]);
  });

  it('is not asked without end: too many failures close the connection', async () => {
    const { accounts, as, log } = await startAuthApp({ auth: { failuresPerConnection: 3 } });
    const client = as('nonsense');
    const open = failure(client.house.open());
    for (let i = 1; i < 3; i++) {
      await until(() => accounts.asked.length >= i);
      await client.refreshCredentials();
    }
    expect(await open).toMatchObject({ code: 'connection-lost' });
    expect(log.find('warn', 'too many credentials')).toHaveLength(1);
  });
});

describe('Denials', () => {
  it('stand in the log with who, what and why, and without the credentials', async () => {
    const { as, log } = await startAuthApp();
    await failure(as('ben').house.drawings());
    await failure(as('wrong-token').house.secrets());
    expect(log.find('warn', 'house.drawings')).toEqual([
      expect.stringMatching(
        /^warn house\.drawings was denied to the user "ben" at \S*127\.0\.0\.1: permission-denied, .*scope draw/,
      ),
    ]);
    expect(log.find('warn', 'house.secrets was denied to nobody')).not.toEqual([]);
    expect(log.lines.join('\n')).not.toContain('wrong-token');
  });

  it('by guards of the application stand there too, with and without an authenticator', async () => {
    @Controller()
    class GateController {
      @UseGuards({ canActivate: () => false })
      @StreamingMethod()
      pass() {
        return 'passed';
      }
    }
    const controllers = [GateController];
    const denied = async ({ connect, log }: RunningApp) => {
      await failure(connect<{ gate: GateController }>().gate.pass());
      return log.find('warn', 'gate.pass was denied to').map((it) => it.split(' at ')[0]);
    };
    expect(await denied(await startApp({ controllers }))).toEqual([
      'warn gate.pass was denied to a client',
    ]);
    expect(await denied(await startAuthApp({}, { controllers }))).toEqual([
      'warn gate.pass was denied to nobody',
    ]);
  });

  it('fill no log, however many there are', async () => {
    const { as, log } = await startAuthApp();
    const { house } = as('ben');
    await Promise.all(Array.from({ length: 100 }, () => failure(house.drawings())));
    const lines = log.find('warn', 'house.drawings');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(20);
  });

  it('are told of guards that go by RequireLogin on an HTTP route', async () => {
    @Controller('page')
    class PageController {
      @UseGuards(RequireLogin)
      @Get()
      page() {
        return 'page';
      }
    }
    const { log, port } = await startAuthApp({}, { controllers: [PageController] });
    const headers = { connection: 'close' };
    expect((await fetch(`http://127.0.0.1:${port}/page`, { headers })).status).toBe(500);
    expect(log.find('error', 'RequireLogin guards streaming methods')).not.toEqual([]);
  });
});

describe('RequireScopes', () => {
  it('takes the names of scopes', () => {
    expect(() => RequireScopes()).toThrow('RequireScopes() takes the names of scopes');
    expect(() => RequireScopes('')).toThrow(TypeError);
  });
});

describe('protectByDefault', () => {
  @Controller()
  class ShopController {
    @StreamingMethod()
    buy() {
      return 'bought';
    }

    @Public()
    @StreamingMethod()
    look() {
      return 'looked';
    }

    @Public()
    @UseGuards(RequireScopes('draw'))
    @StreamingMethod()
    draw() {
      return 'drawn';
    }
  }

  @Public()
  @Injectable()
  class SquareService {
    @StreamingMethod()
    cross() {
      return 'crossed';
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class VaultService {
    constructor(@Inject(REQUEST) private readonly session: StreamingSession) {}

    @StreamingMethod()
    enter() {
      return this.session.auth?.userId;
    }
  }

  interface Shop {
    shop: ShopController;
    square: SquareService;
    vault: VaultService;
  }

  const setup = { controllers: [ShopController], providers: [SquareService, VaultService] };

  it('closes what is not @Public() to nobody, on methods and classes', async () => {
    const options = { auth: { protectByDefault: true } };
    const { connect } = await startAuthApp(options, setup);
    const nobody = connect<Shop>();
    for (const call of [nobody.shop.buy(), nobody.vault.enter(), nobody.shop.draw()]) {
      expect(await failure(call)).toMatchObject({ code: 'unauthenticated' });
    }
    expect(await nobody.shop.look()).toBe('looked');
    expect(await nobody.square.cross()).toBe('crossed');
    const ben = connect<Shop>({ credentials: () => 'ben' });
    expect(await ben.shop.buy()).toBe('bought');
    expect(await ben.vault.enter()).toBe('ben');
    expect(await failure(ben.shop.draw())).toMatchObject({ code: 'permission-denied' });
  });

  it('closes nothing when it is off', async () => {
    const { connect } = await startAuthApp({}, setup);
    expect(await connect<Shop>().shop.buy()).toBe('bought');
  });
});

describe('A request-scoped guard', () => {
  const made: TicketGuard[] = [];

  @Injectable({ scope: Scope.REQUEST })
  class TicketGuard {
    asked = 0;
    constructor(@Inject(REQUEST) private readonly session: StreamingSession) {
      made.push(this);
    }

    canActivate(): boolean {
      this.asked++;
      return this.session.auth?.scopes?.includes('read') ?? false;
    }
  }

  @Controller()
  class TheatreController {
    @UseGuards(TicketGuard)
    @StreamingMethod()
    async *play(@StreamSession() session: StreamingSession) {
      yield 'curtain';
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    }
  }

  it('that injects REQUEST is made once for a call, and is the one that is asked again', async () => {
    made.length = 0;
    const setup = { controllers: [TheatreController] };
    const { accounts, connect, revocation } = await startAuthApp({}, setup);
    accounts.before = () => delay(20);
    const { theatre } = connect<{ theatre: TheatreController }>({ credentials: () => 'anna' });
    const items = theatre.play()[Symbol.asyncIterator]();
    expect((await items.next()).value).toBe('curtain');
    await revocation.revokeScopes('anna', ['draw']);
    await until(() => made[0]?.asked === 2);
    await revocation.revokeScopes('anna', ['read']);
    await expect(items.next()).rejects.toMatchObject({ code: 'revoked', data: { kind: 'scopes' } });
    expect(made.map((it) => it.asked)).toEqual([3]);
  });
});

describe('Credentials', () => {
  it('never stand in the URL', async () => {
    const urls: (string | undefined)[] = [];
    const { app, as } = await startAuthApp();
    const server = app.getHttpServer() as Server;
    const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
    server.emit = (...args: unknown[]) => {
      if (args[0] === 'upgrade') urls.push((args[1] as IncomingMessage).url);
      return emit(...args);
    };
    await as('anna').house.who();
    expect(urls).toEqual(['/streaming']);
  });
});
