import { Controller, UseInterceptors } from '@nestjs/common';
import { Exclude, Expose } from 'class-transformer';
import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  MessageBus,
  Serializable,
  StreamingMethod,
  type StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { afterTest, startApp } from './app.js';

@Serializable()
class Price {
  amount = 0;
  @Exclude() cost = 1;
  @Expose({ name: 'in' }) currency = 'EUR';

  static of(amount: number): Price {
    return Object.assign(new Price(), { amount });
  }
}

@Controller()
class PriceController {
  @StreamingMethod({ yields: () => Price })
  async *all(@StreamSession() session: StreamingSession) {
    yield* session.messages.subscribe<Price>('prices');
  }

  @StreamingMethod()
  @UseInterceptors({ intercept: (_, next) => next.handle().pipe(map((price) => price)) })
  async *intercepted(@StreamSession() session: StreamingSession) {
    yield* session.messages.subscribe<Price>('prices');
  }

  @StreamingMethod()
  async *doubled(@StreamSession() session: StreamingSession) {
    for await (const { amount } of session.messages.subscribe<Price>('prices')) {
      yield Price.of(2 * amount);
    }
  }
}

/** A connection with one call for each name. */
async function subscribe(port: number, ...names: string[]): Promise<RawPeer> {
  const url = `ws://127.0.0.1:${port}/streaming`;
  const peer = new RawPeer(new WebSocket(url, 'nestjs-streaming.v1.json'), 'json');
  afterTest(async () => peer.socket.terminate());
  await peer.next();
  peer.send([0, [4096, 262_144], null]);
  for (const [i, name] of names.entries()) peer.send([2, i + 1, `price.${name}`, [], []]);
  for (const _ of names) expect((await peer.next())[2]).toBe('stream');
  return peer;
}

const price = (amount: number) => ({ $: 1, v: expect.arrayContaining([amount, 'EUR']) as unknown });

describe('A message of the bus that handlers pass on', () => {
  it('crosses a connection once, with the numbers of its calls, through interceptors, too', async () => {
    const { app, port } = await startApp({ controllers: [PriceController] });
    const peer = await subscribe(port, 'all', 'intercepted', 'all');
    await app.get(MessageBus).publish('prices', Price.of(7));
    const frames = await peer.until(([type]) => type === 4);
    expect(frames.at(-1)).toEqual([4, expect.anything(), expect.any(Number), price(7)]);
    const streams = [...frames, ...(await peer.settled())]
      .filter(([type]) => type === 4)
      .map(([, target]) => target);
    expect(streams.flat().sort()).toEqual([1, 2, 3]);
    expect(streams.length).toBeLessThan(3);
  });

  it('is sent apart where a handler makes another of it', async () => {
    const { app, port } = await startApp({ controllers: [PriceController] });
    const peer = await subscribe(port, 'all', 'doubled');
    await app.get(MessageBus).publish('prices', Price.of(7));
    const frames = (await peer.settled()).filter(([type]) => type === 4);
    expect(frames).toContainEqual([4, 1, expect.any(Number), price(7)]);
    expect(frames).toContainEqual([4, 2, expect.any(Number), price(14)]);
  });
});
