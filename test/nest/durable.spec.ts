import { Inject, Injectable, Scope } from '@nestjs/common';
import { type ContextId, ContextIdFactory, type ContextIdStrategy, REQUEST } from '@nestjs/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StreamingMethod, StreamingSession } from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { startApp } from './app.js';

const tenants = new Map<string, ContextId>();

/** As Nest's documentation has it: one sub-tree of providers for each tenant. */
const byTenant: ContextIdStrategy = {
  attach(contextId: ContextId, request: StreamingSession) {
    const tenant = String(request.headers['x-tenant']);
    const tenantId = tenants.get(tenant) ?? ContextIdFactory.create();
    tenants.set(tenant, tenantId);
    return {
      resolve: (info) => (info.isTreeDurable ? tenantId : contextId),
      payload: { tenant },
    };
  },
};

@Injectable({ scope: Scope.REQUEST, durable: true })
class TenantCounter {
  count = 0;

  constructor(@Inject(REQUEST) readonly payload: { tenant: string }) {}
}

@Injectable()
class TenantService {
  constructor(private readonly counter: TenantCounter) {}

  @StreamingMethod()
  count(): [string, number] {
    this.counter.count += 1;
    return [this.counter.payload.tenant, this.counter.count];
  }
}

let strategy: unknown;

beforeAll(() => {
  strategy = Reflect.get(ContextIdFactory, 'strategy');
  ContextIdFactory.apply(byTenant);
});

afterAll(() => {
  Reflect.set(ContextIdFactory, 'strategy', strategy);
});

it('a durable provider is shared by the calls of its tenant', async () => {
  const { app } = await startApp({ providers: [TenantCounter, TenantService] });
  const of = (tenant: string) =>
    createTestingClient<{ tenant: TenantService }>(app, { headers: { 'x-tenant': tenant } });
  const [one, other] = [of('one'), of('other')];
  expect(await one.tenant.count()).toEqual(['one', 1]);
  expect(await other.tenant.count()).toEqual(['other', 1]);
  expect(await one.tenant.count()).toEqual(['one', 2]);
  await one.close();
  await other.close();
});
