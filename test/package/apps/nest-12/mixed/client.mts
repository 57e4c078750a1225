import { createStreamingClient } from 'nestjs-streaming/client';
import type { MixedController } from './server.cjs';

const client = createStreamingClient<{ mixed: MixedController }>({ url: 'ws://localhost:3000' });

// The session and the user are the server's own: the client gives the count alone.
export const items: AsyncIterable<string> = client.mixed.list(3);
