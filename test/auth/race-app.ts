import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Inject,
  Injectable,
  type LoggerService,
  Module,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  type AuthenticationInfo,
  Authenticator,
  type AuthOptions,
  AuthRevocation,
  RequireLogin,
  RequireScopes,
  StreamingMethod,
  StreamingModule,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { Scene } from './scene.js';
import { itemText, pause, type Token, userOf } from './token.js';
import { WireNotes } from './wire-notes.js';

export interface RaceConfig {
  readonly publishUrl: string;
  readonly subscribeUrl: string;
  /** A way to the grants that is never cut. */
  readonly grantsUrl: string;
  readonly auth: AuthOptions;
  readonly probeIntervalMs: number;
}

/** How much may wait in a socket. */
const SEND_BUFFER_BYTES = 16_384;

class TokenAuthenticator extends Authenticator {
  constructor(private readonly scene: Scene) {
    super();
  }

  async authenticate(credentials: string | null): Promise<AuthenticationInfo | null> {
    if (credentials === null) return null;
    const token = JSON.parse(credentials) as Token;
    this.scene.meet(token);
    this.scene.reached('asked', token.user);
    const { user: userId, grant: authId, issuedAt, authenticatorMs = 0 } = token;
    const isGranted = issuedAt !== undefined || (await this.scene.isGranted(token));
    await pause(authenticatorMs);
    this.scene.reached('answering', userId);
    if (!isGranted) return null;
    const info = { userId, authId, scopes: ['draw'] };
    return issuedAt === undefined ? info : { ...info, issuedAt: new Date(issuedAt) };
  }
}

/** Takes its time, and then says what was true when it was asked. */
@Injectable()
export class SlowGuard implements CanActivate {
  constructor(@Inject(Scene) private readonly scene: Scene) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const session = context.switchToWs().getClient<StreamingSession>();
    const { auth } = session;
    if (auth !== null) session.user = String(auth.userId);
    const user = String(session.user);
    this.scene.reached('guarding', user);
    await pause(this.scene.tokenOf(user).guardMs ?? 0);
    return auth !== null;
  }
}

@Controller()
export class RaceController {
  constructor(@Inject(Scene) private readonly scene: Scene) {}

  @StreamingMethod()
  who(@StreamSession() session: StreamingSession) {
    return session.auth;
  }

  @UseGuards(RequireLogin)
  @StreamingMethod()
  secrets(call: string, @StreamSession() session: StreamingSession) {
    return this.#items(call, session);
  }

  @UseGuards(RequireScopes('draw'))
  @StreamingMethod()
  drawings(call: string, @StreamSession() session: StreamingSession) {
    return this.#items(call, session);
  }

  @UseGuards(SlowGuard)
  @StreamingMethod()
  own(call: string, @StreamSession() session: StreamingSession) {
    return this.#items(call, session);
  }

  @UseGuards(RequireLogin)
  @StreamingMethod()
  async value(call: string) {
    const user = userOf(call);
    this.scene.reached('started', user);
    await pause(this.scene.tokenOf(user).firstMs ?? 0);
    return itemText(call, 0);
  }

  @UseGuards(RequireScopes('draw'))
  @StreamingMethod()
  async *upload(call: string, input: AsyncIterable<number>) {
    for await (const n of input) {
      this.scene.reached('received', userOf(call));
      yield itemText(call, n);
    }
  }

  /** It looks at nothing: what stops it is not the handler's doing. */
  async *#items(call: string, session: StreamingSession) {
    const user = userOf(call);
    const { firstMs = 0, pauseMs = 2, burst = 1, paddingBytes = 0 } = this.scene.tokenOf(user);
    const padding = ' '.repeat(paddingBytes);
    this.scene.reached('started', user);
    await pause(firstMs);
    for (let n = 0; !session.signal.aborted; n++) {
      yield itemText(call, n) + padding;
      this.scene.reached('flowing', user);
      if (pauseMs > 0 && n % burst === burst - 1) await pause(pauseMs);
    }
  }
}

const SILENT: LoggerService = { log: () => {}, warn: () => {}, error: () => {} };

/** One server of the cluster, on a port of the loopback. */
export class RaceApp {
  readonly wire: WireNotes;
  readonly scene: Scene;
  readonly port: number;
  readonly close: () => Promise<void>;

  private constructor(wire: WireNotes, scene: Scene, port: number, close: () => Promise<void>) {
    this.wire = wire;
    this.scene = scene;
    this.port = port;
    this.close = close;
  }

  static async start(config: RaceConfig): Promise<RaceApp> {
    const grants = new Redis(config.grantsUrl);
    const [wire, scene] = [new WireNotes(), new Scene(grants)];
    const app = await NestFactory.create(moduleOf(config, scene), { logger: SILENT });
    scene.revocation = app.get(AuthRevocation, { strict: false });
    wire.watch(app.getHttpServer(), (call, waitingBytes) => {
      if (waitingBytes > SEND_BUFFER_BYTES) scene.reached('full', userOf(call));
    });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new RaceApp(wire, scene, port, async () => {
      await app.close();
      grants.disconnect();
    });
  }
}

function moduleOf(config: RaceConfig, scene: Scene) {
  const { publishUrl, subscribeUrl, auth, probeIntervalMs } = config;
  const urls = { publish: publishUrl, subscribe: subscribeUrl };
  class RaceModule {}
  Module({
    imports: [
      StreamingModule.forRoot({
        redis: (role) => new Redis(urls[role]),
        bus: { probeIntervalMs, probeTimeoutMs: 1_000, reconnectDelayMs: 100 },
        authenticator: new TokenAuthenticator(scene),
        auth: { failuresPerConnection: 1_000, ...auth },
        limits: { sendBufferBytes: SEND_BUFFER_BYTES, windowBytes: 16_000_000 },
        drainMs: 100,
      }),
    ],
    controllers: [RaceController],
    providers: [{ provide: Scene, useValue: scene }],
  })(RaceModule);
  return RaceModule;
}
