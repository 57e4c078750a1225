import type { Server, Socket } from 'node:net';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  Scope,
  UseGuards,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  type AuthenticationInfo,
  type AuthenticationRequest,
  Authenticator,
  AuthRevocation,
  RequireLogin,
  RequireScopes,
  StreamingMethod,
  type StreamingModuleOptions,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { type AppSetup, type RunningApp, startApp } from './app.js';

export const ANNA = { userId: 'anna', authId: 'phone', scopes: ['read', 'draw'] };

/** Who holds which token, and what the authenticator does before it says so. */
@Injectable()
export class Accounts {
  readonly tokens = new Map<string, AuthenticationInfo>([
    ['anna', ANNA],
    ['anna2', { ...ANNA, authId: 'laptop' }],
    ['ben', { userId: 'ben', scopes: ['read'] }],
  ]);
  readonly asked: (string | null)[] = [];
  before: (credentials: string | null) => unknown = () => undefined;
}

@Injectable()
export class TokenAuthenticator extends Authenticator {
  constructor(private readonly accounts: Accounts) {
    super();
  }

  async authenticate(
    credentials: string | null,
    _request: AuthenticationRequest,
  ): Promise<AuthenticationInfo | null> {
    this.accounts.asked.push(credentials);
    await this.accounts.before(credentials);
    return this.accounts.tokens.get(credentials ?? '') ?? null;
  }
}

/** A guard of the application's own, whose answer tests decide, and delay. */
@Injectable()
export class OwnGuard implements CanActivate {
  asked = 0;
  answer: (session: StreamingSession) => boolean | Promise<boolean> = (session) =>
    session.auth !== null;

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    this.asked++;
    return this.answer(context.switchToWs().getClient());
  }
}

/** What the handlers do, wherever they stand. */
@Injectable()
export class Work {
  started = 0;
  readonly received: unknown[] = [];
  readonly sessions: StreamingSession[] = [];
  /** Between two items, in ms; nothing waits with 0. */
  pauseMs = 1;
  padding = '';

  async *items(session: StreamingSession, what: string) {
    this.started++;
    this.sessions.push(session);
    for (let i = 0; !session.signal.aborted; i++) {
      yield `${what}-${i}${this.padding}`;
      if (this.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, this.pauseMs));
    }
  }
}

class Doors {
  constructor(protected readonly work: Work) {}

  @StreamingMethod()
  open(@StreamSession() session: StreamingSession) {
    return this.work.items(session, 'open');
  }

  @StreamingMethod()
  who(@StreamSession() session: StreamingSession) {
    return session.auth;
  }

  @StreamingMethod()
  plain() {
    return 'plain';
  }

  @UseGuards(RequireLogin)
  @StreamingMethod()
  secrets(@StreamSession() session: StreamingSession) {
    return this.work.items(session, `secret of ${session.auth?.userId}`);
  }

  @UseGuards(RequireScopes('draw'))
  @StreamingMethod()
  drawings(@StreamSession() session: StreamingSession) {
    return this.work.items(session, 'drawing');
  }

  @UseGuards(RequireScopes('read'))
  @StreamingMethod()
  readings(@StreamSession() session: StreamingSession) {
    return this.work.items(session, 'reading');
  }

  @UseGuards(OwnGuard)
  @StreamingMethod()
  own(@StreamSession() session: StreamingSession) {
    return this.work.items(session, 'own');
  }

  @UseGuards(RequireLogin)
  @StreamingMethod()
  async *upload(input: AsyncIterable<unknown>) {
    for await (const item of input) {
      this.work.received.push(item);
      yield `stored ${String(item)}`;
    }
  }

  @UseGuards(RequireLogin)
  @StreamingMethod()
  async value(ms: number) {
    this.work.started++;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return 'secret value';
  }
}

@Controller()
export class HouseController extends Doors {
  constructor(work: Work) {
    super(work);
  }
}

@Injectable()
export class ShedService extends Doors {
  constructor(work: Work) {
    super(work);
  }
}

@Injectable({ scope: Scope.REQUEST })
export class TentService extends Doors {
  constructor(work: Work) {
    super(work);
  }
}

export interface Client {
  house: HouseController;
  shed: ShedService;
  tent: TentService;
}

export const ENDPOINTS = ['house', 'shed', 'tent'] as const;

/** Everything a server handed to its sockets, in order. */
export class Wire {
  readonly writes: string[] = [];

  constructor(server: Server) {
    server.on('connection', (socket) => this.#watch(socket));
  }

  /** How many items with this text were handed over so far. */
  count(text: string): number {
    return this.writes.reduce((sum, it) => sum + it.split(text).length - 1, 0);
  }

  #watch(socket: Socket): void {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = ((...args: unknown[]) => {
      this.writes.push(Buffer.from(args[0] as Uint8Array).toString('latin1'));
      return write(...args);
    }) as typeof socket.write;
  }
}

export interface AuthApp extends RunningApp {
  readonly accounts: Accounts;
  readonly work: Work;
  readonly guard: OwnGuard;
  readonly revocation: AuthRevocation;
  readonly wire: Wire;
  /** A client with this token. */
  as(token: string | null): ReturnType<typeof client>;
}

const client = (app: RunningApp, token: string | null) =>
  app.connect<Client>({ credentials: () => token });

export async function startAuthApp(
  options: StreamingModuleOptions = {},
  setup: AppSetup = {},
): Promise<AuthApp> {
  let wire: Wire | undefined;
  const running = await startApp({
    ...setup,
    options: { authenticator: TokenAuthenticator, ...options },
    controllers: [HouseController, ...(setup.controllers ?? [])],
    providers: [Accounts, Work, OwnGuard, ShedService, TentService, ...(setup.providers ?? [])],
    configure: (app) => {
      wire = new Wire(app.getHttpServer());
      setup.configure?.(app);
    },
  });
  const { app } = running;
  return {
    ...running,
    accounts: app.get(Accounts),
    work: app.get(Work),
    // That of the decorator, which Nest makes as an injectable of the module.
    guard: guardOf(running),
    revocation: app.get(AuthRevocation, { strict: false }),
    wire: wire as Wire,
    as: (token) => client(running, token),
  };
}

function guardOf({ app }: RunningApp): OwnGuard {
  const modules = [...app.get(ModulesContainer).values()];
  const wrapper = modules.map((it) => it.injectables.get(OwnGuard)).find((it) => it !== undefined);
  return wrapper?.instance as OwnGuard;
}

/** What a call gives from here on, and how it ended. */
export class Reading {
  readonly items: string[] = [];
  end: 'running' | 'ended' | (Error & { code: string; data?: unknown }) = 'running';
  readonly over: Promise<void>;

  constructor(items: AsyncIterable<string>) {
    this.over = this.#read(items);
  }

  async #read(items: AsyncIterable<string>): Promise<void> {
    try {
      for await (const item of items) this.items.push(item);
      this.end = 'ended';
    } catch (error) {
      this.end = error as Exclude<Reading['end'], string>;
    }
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
