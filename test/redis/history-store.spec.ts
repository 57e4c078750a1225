import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Channel, type ChannelHistory, defineChannel } from '../../lib/bus/define-channel.js';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { createRedisDriver } from '../../lib/bus/redis/create-redis-driver.js';
import { ModelRegistry, Serializable } from '../../lib/model/registry.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';
import { connectDriver, type TestDriverOptions } from './driver.js';
import { RedisServerProcess } from './redis-server.js';

@Serializable()
class HistoryPixel {
  constructor(
    readonly index: number,
    readonly at: Date,
  ) {}
}

const DAY_MS = 86_400_000;

let server: RedisServerProcess;
let names = 0;
const buses: MessageBus[] = [];

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
});

function createChannel<T = number>(history: Partial<ChannelHistory> = {}): Channel<T> {
  names += 1;
  return defineChannel<T>(`store ${names}`, {
    history: { size: 1_000, ttlMs: DAY_MS, ...history },
  });
}

async function createBus({ hooks, ...options }: TestDriverOptions = {}): Promise<MessageBus> {
  const driver = await connectDriver(server.url, { ...options, ...(hooks && { hooks }) });
  const bus = new MessageBus({ driver, hooks });
  buses.push(bus);
  return bus;
}

function keyOf({ name }: { readonly name: string }): string {
  return `nestjs-streaming:history:{${name}}`;
}

async function numberOf(...command: string[]): Promise<number> {
  return Number((await server.command(...command)).replace(':', ''));
}

describe('A history at Redis', () => {
  it.each([
    ['one by one', 1],
    ['in bursts', 100],
  ])('is no larger than it has to be, filled %s', async (_, burst) => {
    const channel = createChannel({ size: 100 });
    const bus = await createBus();
    for (let n = 0; n < 3_000; n += burst)
      await Promise.all(Array.from({ length: burst }, (__, i) => bus.publish(channel, n + i)));
    // Whole batches, and a portion that is let go together.
    const entries = Math.ceil(100 / burst) + 1 + Math.ceil(16 / burst);
    expect(await numberOf('XLEN', keyOf(channel))).toBeLessThanOrEqual(entries);
    const subscription = bus.subscribe(channel, { since: 'start' });
    expect((await subscription.next()).value).toBe(2_900);
  });

  it('lets go of what is too old while more is published', async () => {
    const channel = createChannel({ ttlMs: 100 });
    const bus = await createBus();
    await bus.publish(channel, 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await bus.publish(channel, 2);
    expect(await numberOf('XLEN', keyOf(channel))).toBe(1);
  });

  it('is gone from Redis after its time, and what it knew of its end a day later', async () => {
    const channel = createChannel({ ttlMs: 100_000 });
    const bus = await createBus();
    await bus.publish(channel, 1);
    const [stream, tail] = [keyOf(channel), `${keyOf(channel)}:tail`];
    const [streamMs, tailMs] = [await numberOf('PTTL', stream), await numberOf('PTTL', tail)];
    expect(streamMs).toBeGreaterThan(99_000);
    expect(streamMs).toBeLessThanOrEqual(106_250);
    expect(tailMs).toBeGreaterThan(DAY_MS);
    expect(tailMs).toBeLessThanOrEqual(DAY_MS + 100_000);
  });

  it('keeps every message for its whole time, however often its expiry was put off', async () => {
    const channel = createChannel({ ttlMs: 600 });
    const bus = await createBus();
    for (let n = 1; n <= 4; n += 1) {
      await bus.publish(channel, n);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await new Promise((resolve) => setTimeout(resolve, 450));
    const subscription = bus.subscribe(channel, { since: 'start' });
    for (let n = 1; n <= 4; n += 1) expect((await subscription.next()).value).toBe(n);
  });

  it('takes what one turn publishes with few commands', async () => {
    const channel = createChannel<string>();
    const bus = await createBus();
    await bus.publish(channel, 'first');
    await server.command('CONFIG', 'RESETSTAT');
    const text = 'x'.repeat(190);
    await Promise.all(Array.from({ length: 1_000 }, () => bus.publish(channel, text)));
    const stats = await server.command('INFO', 'commandstats');
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1])).toBeLessThanOrEqual(4);
  });

  it('gives models as models, live and from the history', async () => {
    const channel = createChannel<HistoryPixel>();
    const [publisher, bus] = [await createBus(), await createBus()];
    const pixels = [1, 2].map((n) => new HistoryPixel(n, new Date(n)));
    const live = bus.subscribe(channel);
    await live.ready;
    await Promise.all(pixels.map((pixel) => publisher.publish(channel, pixel)));
    const late = bus.subscribe(channel, { since: 'start' });
    for (const subscription of [live, late])
      for (const pixel of pixels) {
        const { value } = await subscription.next();
        expect(value).toEqual(pixel);
        expect(value).toBeInstanceOf(HistoryPixel);
      }
  });

  it('passes over a message of a class that is not known here, and only that', async () => {
    const channel = createChannel<unknown>();
    const badMessage = vi.fn();
    const publisher = await createBus();
    const driver = await createRedisDriver({
      redis: server.url,
      models: new ModelRegistry([]),
      limits: DEFAULT_LIMITS,
      hooks: { badMessage },
    });
    const bus = new MessageBus({ driver });
    buses.push(bus);
    const onGap = vi.fn();
    const live = bus.subscribe(channel, { onGap });
    await live.ready;
    const messages = [1, new HistoryPixel(2, new Date(0)), 3];
    await Promise.all(messages.map((message) => publisher.publish(channel, message)));
    const late = bus.subscribe(channel, { since: 'start', onGap });
    for (const subscription of [live, late]) {
      expect((await subscription.next()).value).toBe(1);
      expect((await subscription.next()).value).toBe(3);
    }
    expect(badMessage).toHaveBeenCalledTimes(2);
    expect(badMessage.mock.calls[0]?.[0]).toBe(channel.name);
    expect(onGap).not.toHaveBeenCalled();
  });

  it('rejects what can not be sent, without harm to what is sent beside it', async () => {
    const channel = createChannel<unknown>();
    const bus = await createBus({ maxMessageBytes: 1_000 });
    const refused = [Symbol('x'), () => {}, 'x'.repeat(2_000)].map((it) =>
      bus.publish(channel, it),
    );
    const sent = bus.publish(channel, 'good');
    for (const it of refused) await expect(it).rejects.toThrow(TypeError);
    await sent;
    const subscription = bus.subscribe(channel, { since: 'start' });
    expect((await subscription.next()).value).toBe('good');
  });

  it('refuses a name that Redis could not tell from another', async () => {
    const history = { size: 1, ttlMs: 1 };
    const bus = await createBus();
    const channel = defineChannel<number>('\ud800', { history });
    await expect(bus.publish(channel, 1)).rejects.toThrow(TypeError);
    await expect(bus.subscribe(channel).next()).rejects.toThrow(TypeError);
  });

  it('goes on when Redis has forgotten its scripts', async () => {
    const channel = createChannel();
    const bus = await createBus();
    const subscription = bus.subscribe(channel, { since: 'start' });
    await bus.publish(channel, 1);
    await server.command('SCRIPT', 'FLUSH');
    await vi.waitFor(() => bus.publish(channel, 2), { interval: 5 });
    await server.command('SCRIPT', 'FLUSH');
    const late = bus.subscribe(channel, { since: 'start' });
    for (const it of [subscription, late])
      expect([(await it.next()).value, (await it.next()).value]).toEqual([1, 2]);
  });

  it('has no more under way than it may', async () => {
    const channel = createChannel();
    const bus = await createBus({ maxInFlightMessages: 10 });
    const results = await Promise.allSettled(
      Array.from({ length: 15 }, (_, n) => bus.publish(channel, n)),
    );
    expect(results.map(({ status }) => status)).toEqual([
      ...Array(10).fill('fulfilled'),
      ...Array(5).fill('rejected'),
    ]);
    await bus.publish(channel, 16);
  });

  it('still sends what was published when it is closed', async () => {
    const channel = createChannel();
    const [closing, bus] = [await createBus(), await createBus()];
    const published = closing.publish(channel, 1);
    await closing.close();
    await published;
    const subscription = bus.subscribe(channel, { since: 'start' });
    expect((await subscription.next()).value).toBe(1);
    await expect(closing.publish(channel, 2)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('has another history under another prefix', async () => {
    const channel = createChannel();
    const [one, other] = [await createBus(), await createBus({ prefix: 'other:' })];
    await one.publish(channel, 1);
    await other.publish(channel, 2);
    const subscription = other.subscribe(channel, { since: 'start' });
    expect((await subscription.next()).value).toBe(2);
  });
});
