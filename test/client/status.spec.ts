import { afterEach, describe, expect, it } from 'vitest';
import type { ClientStatus } from '../../lib/client/types.js';
import { failure, turns, until } from '../engine/engine.js';
import { delay, Service } from './service.js';

const handlers = { ready: () => 'ready' };

let service: Service<typeof handlers>;

afterEach(() => service.close());

describe('The status of a client', () => {
  it('goes from idle over connecting to connected, and back, told on change only', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 5 });
    const told: ClientStatus[] = [];
    client.onStatus((status) => {
      expect(client.status).toBe(status);
      told.push(status);
    });
    expect(client.status).toBe('idle');
    await Promise.all([client.test.ready(), client.test.ready()]);
    expect(told).toEqual(['connecting', 'connected']);
    await client.test.ready();
    await until(() => client.status === 'idle');
    await turns(1);
    expect(told).toEqual(['connecting', 'connected', 'idle']);
    await client.close();
    await client.close();
    expect(told).toEqual(['connecting', 'connected', 'idle', 'closed']);
  });

  it('is waiting between a failure and the next attempt, which a call asks for', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ backoff: { firstMs: 60, maxMs: 60 } });
    const told: ClientStatus[] = [];
    client.onStatus((status) => told.push(status));
    await service.crash();
    for (let i = 0; i < 5; i++) {
      expect((await failure(client.test.ready())).code).toBe('connect-failed');
    }
    await service.start();
    expect(await client.test.ready()).toBe('ready');
    expect(told.slice(0, 2)).toEqual(['connecting', 'idle']);
    expect(told).toContain('waiting');
    for (const [i, status] of told.entries()) {
      if (status === 'waiting') expect([told[i - 1], told[i + 1]]).toEqual(['idle', 'connecting']);
    }
    expect(told.at(-1)).toBe('connected');
  });

  it('is told to everybody, although a listener throws', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 5 });
    const told: ClientStatus[] = [];
    client.onStatus(() => {
      throw new Error('in a listener');
    });
    client.onStatus((status) => told.push(status));
    expect(await client.test.ready()).toBe('ready');
    await until(() => told.includes('idle'));
    await client.close();
    expect(told).toEqual(['connecting', 'connected', 'idle', 'closed']);
  });

  it('is told until the listener is taken away, by itself too', async () => {
    service = await Service.start(handlers);
    const client = service.createClient();
    const told: string[] = [];
    const offOne = client.onStatus((status) => {
      told.push(`one: ${status}`);
      offOne();
      offTwo();
    });
    const offTwo = client.onStatus((status) => told.push(`two: ${status}`));
    client.onStatus((status) => told.push(`three: ${status}`));
    const offFour = client.onStatus(() => told.push('four'));
    const ready = client.test.ready();
    offFour();
    offFour();
    client.onStatus((status) => told.push(`late: ${status}`));
    await ready;
    expect(told).toEqual([
      'one: connecting',
      'three: connecting',
      'three: connected',
      'late: connected',
    ]);
  });

  it('may be answered by a listener with calls, in whichever state', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 5, backoff: { firstMs: 5, maxMs: 5 } });
    const told: ClientStatus[] = [];
    const answers: Promise<unknown>[] = [];
    let left = 12;
    client.onStatus((status) => {
      if (status !== 'closed' && left-- > 0) answers.push(client.test.ready().catch((e) => e.code));
    });
    client.onStatus((status) => told.push(status));
    expect(await client.test.ready()).toBe('ready');
    await service.crash();
    await until(() => client.status === 'idle' || client.status === 'waiting');
    await delay(10);
    await service.start();
    await until(() => left <= 0 && client.status === 'idle');
    const settled = await Promise.all(answers);
    expect(settled).toContain('ready');
    expect(settled.length).toBe(12);
    for (const [i, status] of told.entries()) expect(status).not.toBe(told[i + 1]);
    expect(told.at(-1)).toBe(client.status);
  });

  it('stays closed for a client that a listener closes, whenever it does', async () => {
    service = await Service.start(handlers);
    for (const when of ['connecting', 'connected', 'idle', 'waiting']) {
      const client = service.createClient({ idleMs: 1, backoff: { firstMs: 20, maxMs: 20 } });
      if (when === 'waiting') await service.crash();
      const told: ClientStatus[] = [];
      client.onStatus((status) => {
        if (status === when) void client.close();
      });
      client.onStatus((status) => told.push(status));
      for (let i = 0; i < 10 && client.status !== 'closed'; i++) {
        await client.test.ready().catch(() => undefined);
        await delay(4);
      }
      expect(client.status).toBe('closed');
      await delay(5);
      expect(told.at(-1)).toBe('closed');
      expect(client.status).toBe('closed');
    }
  });
});
