import { Controller } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingModule } from '../../lib/index.js';
import { createTestingClient, TestingNetwork } from '../../lib/testing/index.js';

const BIG = 'x'.repeat(20_000);

@Controller()
class FeedController {
  pulled = 0;
  let = 0;

  @StreamingMethod()
  async *feed() {
    try {
      for (; ; this.pulled++) yield BIG;
    } finally {
      this.let++;
    }
  }

  @StreamingMethod()
  async *echo(input: AsyncIterable<number>) {
    yield* input;
  }

  @StreamingMethod()
  async answer() {
    return 42;
  }
}

async function createApp() {
  const module = await Test.createTestingModule({
    imports: [StreamingModule.forRoot()],
    controllers: [FeedController],
  }).compile();
  return module.createNestApplication().init();
}

describe('A TestingNetwork', () => {
  let app: Awaited<ReturnType<typeof createApp>>;
  let network: TestingNetwork;
  let client: ReturnType<typeof createTestingClient<{ feed: FeedController }>>;

  beforeEach(async () => {
    app = await createApp();
    network = new TestingNetwork();
    client = createTestingClient<{ feed: FeedController }>(app, { network });
  });

  afterEach(async () => {
    await client.close();
    await app.close();
  });

  it('lets what it holds arrive in order when it is released', async () => {
    network.hold();
    const echoed = client.feed.echo(
      (async function* () {
        yield* [1, 2, 3];
      })(),
    );
    await network.settled();
    expect(network.held).toBe(2); // the client's and the server's first frames
    network.release();
    const items: number[] = [];
    for await (const item of echoed) items.push(item);
    expect(items).toEqual([1, 2, 3]);
  });

  it('makes a producer rest while it holds', async () => {
    const controller = app.get(FeedController);
    const feed = client.feed.feed()[Symbol.asyncIterator]();
    await feed.next();
    network.hold();
    await network.settled();
    const { pulled } = controller;
    await network.settled();
    expect(controller.pulled).toBe(pulled);
    network.release();
    for (let read = 0; read <= pulled; read++) await feed.next();
    expect(controller.pulled).toBeGreaterThan(pulled);
    await feed.return?.();
    await network.settled();
    expect(controller.let).toBe(1);
  });

  it('loses what it holds and cuts the connection when it is dropped', async () => {
    await client.feed.answer();
    network.hold();
    const answer = client.feed.answer();
    await network.settled();
    network.drop();
    await expect(answer).rejects.toMatchObject({ code: 'connection-lost' });
    expect(network.held).toBe(0);
    expect(await client.feed.answer()).toBe(42);
  });

  it('ends the handlers of the calls it drops', async () => {
    const feed = client.feed.feed()[Symbol.asyncIterator]();
    await feed.next();
    network.drop();
    await expect(
      (async () => {
        for (;;) await feed.next();
      })(),
    ).rejects.toMatchObject({ code: 'connection-lost' });
    await network.settled();
    expect(app.get(FeedController).let).toBe(1);
  });

  it('tells a client that closes while it holds, once it is released', async () => {
    await client.feed.answer();
    network.hold();
    let isClosed = false;
    const closing = client.close().then(() => {
      isClosed = true;
    });
    await network.settled();
    expect(isClosed).toBe(false);
    network.release();
    await closing;
  });
});
