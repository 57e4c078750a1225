import { createStreamingClient, Serializable } from 'nestjs-streaming/client';
import type { MixedController } from '../nest-12/mixed/server.cjs';

@Serializable('Place')
class Place {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}

const client = createStreamingClient<{ mixed: MixedController }>({
  url: 'ws://localhost:3000/streaming',
  models: [Place],
});

// What the server injects is marked by its own copy of the library, not by this one.
export const items: AsyncIterable<string> = client.mixed.list(3);
export const name: Promise<string> = client.mixed.whoAmI();

// @ts-expect-error the count alone is the client's to give
client.mixed.list({}, 3, 'user');
