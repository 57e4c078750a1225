import { RaceApp, type RaceConfig } from './race-app.js';
import type { Revoked } from './scene.js';
import type { Kind } from './token.js';
import type { Written } from './wire-notes.js';

/** What a server is told; each is answered when it is done. */
export type RaceOrder =
  | { readonly do: 'open'; readonly config: RaceConfig }
  | { readonly do: 'revoke'; readonly user: string; readonly kind: Kind; readonly afterMs: number }
  | { readonly do: 'revoked'; readonly user: string }
  | { readonly do: 'written'; readonly ends: readonly (readonly [call: string, endedAt: number])[] }
  | { readonly do: 'close' };

export interface RaceAnswers {
  readonly open: number;
  readonly revoke: Revoked;
  readonly revoked: Revoked;
  readonly written: Written;
  readonly close: undefined;
}

export interface RaceAnswer {
  readonly id: number;
  readonly answer?: unknown;
  /** What went wrong, for the test to say. */
  readonly error?: string;
}

export function run(): void {
  const server = new RaceProcess();
  process.on('message', async ({ id, ...order }: RaceOrder & { readonly id: number }) => {
    const said = await server.carryOut(order).then(
      (answer) => ({ answer }),
      (error: Error) => ({ error: String(error.stack) }),
    );
    process.send?.({ id, ...said } satisfies RaceAnswer);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ id: 0 } satisfies RaceAnswer);
}

class RaceProcess {
  #app: RaceApp | undefined;

  async carryOut(order: RaceOrder): Promise<RaceAnswers[RaceOrder['do']]> {
    if (order.do === 'open') {
      this.#app = await RaceApp.start(order.config);
      return this.#app.port;
    }
    if (this.#app === undefined) throw new Error('the server is not open');
    const { scene, wire } = this.#app;
    if (order.do === 'revoke') return scene.revoke(order.user, order.kind, order.afterMs);
    if (order.do === 'revoked') return scene.revoked(order.user);
    if (order.do === 'written') return wire.written(order.ends);
    await this.#app.close();
    return undefined;
  }
}
