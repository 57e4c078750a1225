import { type ExecutionContext, Injectable, UseInterceptors } from '@nestjs/common';
import { CLS_ID, ClsInterceptor, ClsModule, ClsService } from 'nestjs-cls';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { collect, startApp, until } from '../nest/app.js';

const closed: string[] = [];

beforeEach(() => {
  closed.length = 0;
});

/** Knows nothing of streams: asks for the caller wherever it is called from. */
@Injectable()
class Audit {
  constructor(private readonly cls: ClsService) {}

  get caller(): string {
    return `${this.cls.get('caller')} ${this.cls.getId()}`;
  }
}

@Injectable()
class OrdersService {
  constructor(private readonly audit: Audit) {}

  @StreamingMethod()
  async count(_caller: string): Promise<string> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.audit.caller;
  }

  @StreamingMethod()
  async *list(_caller: string, @StreamSession() session: StreamingSession) {
    session.onClose(() => closed.push(this.audit.caller));
    for (let i = 0; ; i++) {
      yield `${i} ${this.audit.caller}`;
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  @StreamingMethod()
  async *place(_caller: string, orders: AsyncIterable<string>) {
    for await (const order of orders) yield `${order} ${this.audit.caller}`;
  }
}

@UseInterceptors(ClsInterceptor)
@Injectable()
class InterceptedService extends OrdersService {}

let calls = 0;

/** What is set up for each call, by the session. */
const mount = {
  generateId: true,
  idGenerator: () => `call ${++calls}`,
  setup: (cls: ClsService, context: ExecutionContext) => {
    cls.set('caller', context.switchToWs().getData()[0]);
  },
};

const mounts = {
  'as a guard': ClsModule.forRoot({ global: true, guard: { mount: true, ...mount } }),
  'as an interceptor': ClsModule.forRoot({ global: true, interceptor: { mount: true, ...mount } }),
  'as an interceptor of the class': ClsModule.forRoot({ global: true, interceptor: mount }),
};

describe.each(Object.entries(mounts))('ClsModule mounted %s', (title, module) => {
  const isOwn = title.endsWith('class');
  const providers = [Audit, isOwn ? InterceptedService : OrdersService];

  async function start() {
    const { connect, server } = await startApp({ imports: [module], providers });
    const client = connect<{ orders: OrdersService; intercepted: OrdersService }>();
    calls = 0;
    return { orders: isOwn ? client.intercepted : client.orders, server };
  }

  it('keeps its store for a provider that a handler calls', async () => {
    const { orders } = await start();
    expect(await orders.count('ann')).toBe('ann call 1');
  });

  it('keeps it in a generator and to its end, and that of other calls apart', async () => {
    const { orders, server } = await start();
    const read = async (caller: string) => {
      const items: string[] = [];
      for await (const item of orders.list(caller)) if (items.push(item) === 300) break;
      return items;
    };
    const [ann, bob] = await Promise.all([read('ann'), read('bob')]);
    expect(ann).toEqual(Array.from({ length: 300 }, (_, i) => `${i} ann call 1`));
    expect(bob).toEqual(Array.from({ length: 300 }, (_, i) => `${i} bob call 2`));
    await until(() => server.callCount === 0);
    expect(closed.sort()).toEqual(['ann call 1', 'bob call 2']);
  });

  it('keeps it in the loop over an input', async () => {
    const { orders } = await start();
    const given = (async function* () {
      yield 'tea';
      await new Promise((resolve) => setImmediate(resolve));
      yield 'milk';
    })();
    expect(await collect(orders.place('ann', given))).toEqual([
      'tea ann call 1',
      'milk ann call 1',
    ]);
  });
});

it('a generator may run parts of itself with stores of their own', async () => {
  @Injectable()
  class RunService {
    constructor(private readonly cls: ClsService) {}

    @StreamingMethod()
    async *ids() {
      const { cls } = this;
      const next = (value: number) =>
        cls.run(async () => {
          cls.set(CLS_ID, `run ${value}`);
          await new Promise((resolve) => setImmediate(resolve));
          return cls.getId();
        });
      for (let i = 0; i < 2; i++) yield await next(i);
      yield cls.isActive();
    }
  }
  const { connect } = await startApp({
    imports: [ClsModule.forRoot({ global: true })],
    providers: [RunService],
  });
  const { run } = connect<{ run: RunService }>();
  expect(await collect(run.ids())).toEqual(['run 0', 'run 1', false]);
});
