import { Controller, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  MessageBus,
  type RedisBusOptions,
  Serializable,
  StreamingMethod,
  StreamingModule,
  type StreamingModuleOptions,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { BusLog } from '../../lib/nest/bus-log.js';
import { afterTest, type RunningApp, startApp } from '../nest/app.js';
import { freePort, RedisServerProcess } from './redis-server.js';

@Serializable('redis-nest.Pixel')
class Pixel {
  index = 0;
}

@Injectable()
class Painter {
  constructor(private readonly bus: MessageBus) {}

  paint(index: number): Promise<void> {
    return this.bus.publish('pixels', Object.assign(new Pixel(), { index }));
  }
}

@Controller()
class PictureController {
  @StreamingMethod({ yields: () => Pixel })
  async *pixels(@StreamSession() session: StreamingSession) {
    yield* session.messages.subscribe('pixels', { type: Pixel });
  }
}

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 500 } as const;

let redis: RedisServerProcess;

beforeEach(async () => {
  redis = await RedisServerProcess.start();
  afterTest(() => redis.stop());
});

function start(bus: RedisBusOptions = {}): Promise<RunningApp> {
  return startApp({
    controllers: [PictureController],
    providers: [Painter],
    options: { redis: redis.url, bus: { ...QUICK, ...bus } },
  });
}

async function standing({ app }: RunningApp): Promise<void> {
  const bus = app.get(MessageBus);
  await vi.waitFor(() => expect(bus.subscriberCount('pixels')).toBeGreaterThan(0));
  await bus.subscribe('pixels').ready;
}

describe('StreamingModule with Redis', () => {
  it('gives a message of one server to the streams of another, as an instance', async () => {
    const [one, two] = [await start(), await start()];
    const client = two.connect<{ picture: PictureController }>({ models: [Pixel] });
    const pixels = client.picture.pixels();
    await standing(two);
    await one.app.get(Painter).paint(7);
    for await (const pixel of pixels) {
      expect(pixel).toBeInstanceOf(Pixel);
      expect(pixel.index).toBe(7);
      break;
    }
  });

  it('keeps applications with different prefixes apart', async () => {
    const [one, two] = [await start({ prefix: 'one:' }), await start({ prefix: 'two:' })];
    const subscription = two.app.get(MessageBus).subscribe('pixels');
    await subscription.ready;
    await one.app.get(Painter).paint(1);
    await two.app.get(Painter).paint(2);
    expect((await subscription.next()).value).toEqual({ index: 2 });
  });

  it('lets go of Redis when the application closes, after what was published last', async () => {
    const { app } = await start();
    const bus = app.get(MessageBus);
    expect(bus.status).toBe('connected');
    void bus.publish('pixels', 1);
    await app.close();
    expect(bus.status).toBe('closed');
    const published = await redis.command('INFO', 'commandstats');
    expect(published).toContain('cmdstat_publish');
    await vi.waitFor(async () =>
      expect(await redis.command('INFO', 'clients')).toContain('connected_clients:1\r'),
    );
  });

  it('does not start without its Redis, and says where it looked', async () => {
    const port = await freePort();
    const options = { redis: `redis://:secret@127.0.0.1:${port}`, bus: { startupTimeoutMs: 100 } };
    const starting = Test.createTestingModule({ imports: [StreamingModule.forRoot(options)] });
    await expect(starting.compile()).rejects.toThrow(
      new RegExp(`Redis at 127\\.0\\.0\\.1:${port} could not be reached within 100 ms: .*REFUSED`),
    );
  });

  it('tells in its log, once, that Redis is gone, is back, and what may be lost', async () => {
    const running = await start();
    const { app, log } = running;
    const bus = app.get(MessageBus);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => bus.subscribe(name).ready));
    await redis.kill();
    await vi.waitFor(() => expect(bus.status).toBe('reconnecting'));
    await Promise.allSettled([1, 2, 3].map((n) => bus.publish('a', n)));
    await redis.restart();
    await vi.waitFor(() => expect(bus.status).toBe('connected'), { timeout: 5_000 });
    await vi.waitFor(() => expect(log.find('warn', 'may be lost')).toHaveLength(1));
    expect(log.lines.filter((line) => line.includes('Redis'))).toEqual([
      expect.stringMatching(/^warn The message bus can't reach Redis, and goes on trying: /),
      'warn A message was not published on the channel "a": Redis is not connected. More of this kind are only counted.',
      'log The message bus is connected to Redis',
      expect.stringMatching(
        /^warn Messages of the channels "a", "b", "c" and 2 more may be lost: the connection to Redis/,
      ),
    ]);
    const { counters } = app.get(BusLog, { strict: false });
    expect(counters).toMatchObject({ published: 3, failed: 3, gaps: 5 });
  });

  it('tells of bad messages once for each kind, and counts them', async () => {
    const { app, log } = await start();
    await app.get(MessageBus).subscribe('a').ready;
    for (let n = 0; n < 5; n++) await redis.command('PUBLISH', 'nestjs-streaming:bus:a', 'garbage');
    const { counters } = app.get(BusLog, { strict: false });
    await vi.waitFor(() => expect(counters.bad).toBe(5));
    expect(log.find('warn', 'left out')).toEqual([
      'warn A message was left out on the channel "a": "something that is no batch of messages". More of this kind are only counted.',
    ]);
  });

  it('counts what the bus does', async () => {
    const { app } = await start();
    const bus = app.get(MessageBus);
    const slow = bus.subscribe('a', { capacity: 1, overflow: 'dropOldest' });
    await slow.ready;
    await Promise.all([1, 2, 3].map((n) => bus.publish('a', n)));
    const { counters } = app.get(BusLog, { strict: false });
    await vi.waitFor(() => expect(counters).toMatchObject({ published: 3, delivered: 3 }));
    expect(counters.dropped).toBe(2);
    expect(counters.probeMs).toBeGreaterThan(0);
  });

  const wrong: readonly [StreamingModuleOptions, RegExp][] = [
    [{ redis: '' }, /the option redis is an empty text: leave it out/],
    [{ redis: { nodes: [] } }, /redis\.nodes/],
    [{ redis: 'redis://a', bus: { prefix: '{a}' } }, /bus\.prefix/],
  ];

  it.each(wrong)('refuses %j', (options, sentence) => {
    expect(() => StreamingModule.forRoot(options)).toThrow(sentence);
  });
});
