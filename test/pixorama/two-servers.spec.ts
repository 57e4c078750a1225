import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisServerProcess } from '../redis/redis-server.js';
import { PixoramaServer } from './server.js';
import { PixoramaViewer } from './viewer.js';

describe('Pixorama on two servers with one Redis', () => {
  let redis: RedisServerProcess;
  let servers: PixoramaServer[];
  let viewers: PixoramaViewer[];

  beforeEach(async () => {
    viewers = [];
    servers = [];
    redis = await RedisServerProcess.start();
    servers = await Promise.all([start(), start()]);
  });

  afterEach(async () => {
    await Promise.all(viewers.map((viewer) => viewer.close()));
    await Promise.all(servers.map((server) => server.stop()));
    await redis.stop();
  });

  function start(): Promise<PixoramaServer> {
    return PixoramaServer.start({ REDIS_URL: redis.url });
  }

  async function open(server: PixoramaServer): Promise<PixoramaViewer> {
    const viewer = new PixoramaViewer(server.streamingUrl);
    viewers.push(viewer);
    await viewer.watch();
    return viewer;
  }

  it('shows the viewers of both the same pixels, each once', async () => {
    const [one, two] = await Promise.all(servers.map(open));
    await Promise.all([one?.setPixel(5, 0), two?.setPixel(6, 1)]);
    for (const viewer of viewers) {
      await viewer.untilUpdates(2);
      expect(viewer.updates).toContainEqual({ pixelIndex: 0, colorIndex: 5 });
      expect(viewer.updates).toContainEqual({ pixelIndex: 1, colorIndex: 6 });
    }
    await one?.setPixel(7, 2);
    for (const viewer of viewers) {
      await viewer.untilUpdates(3);
      expect(viewer.updates).toHaveLength(3);
    }
  });

  it('gives snapshots that converge while both are drawn on', async () => {
    const drawing = viewersOf(servers).map(async (server, writer) => {
      const viewer = await open(server);
      for (let i = 0; i < 50; i++) await viewer.setPixel((writer + i) % 16, i % 10);
      return viewer;
    });
    const drawers = await Promise.all(drawing);
    await Promise.all(drawers.map((viewer) => viewer.untilUpdates(50)));
    const mark = 1234;
    await drawers[0]?.setPixel(15, mark);
    await Promise.all(drawers.map((viewer) => untilPixel(viewer, mark, 15)));
    const late = await Promise.all(servers.map(open));
    for (const viewer of late) await untilPixel(viewer, mark, 15);
    const [first, ...others] = [...drawers, ...late].map((viewer) => [...viewer.pixels]);
    for (const pixels of others) expect(pixels).toEqual(first);
  });

  it('draws on a server that starts later what it missed', async () => {
    const viewer = await open(servers[0] as PixoramaServer);
    await viewer.setPixel(9, 77);
    const late = await start();
    servers.push(late);
    const watcher = await open(late);
    await untilPixel(watcher, 77, 9);
    await watcher.setPixel(3, 78);
    await untilPixel(viewer, 78, 3);
  });
});

/** Four people draw, two on each server. */
function viewersOf(servers: readonly PixoramaServer[]): PixoramaServer[] {
  return [...servers, ...servers];
}

async function untilPixel(viewer: PixoramaViewer, index: number, color: number): Promise<void> {
  await expect.poll(() => viewer.pixels[index], { timeout: 10_000 }).toBe(color);
}
