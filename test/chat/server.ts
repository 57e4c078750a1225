import { freePort } from '../redis/redis-server.js';
import { SampleServer } from '../sample-server.js';

const SAMPLE = { name: 'chat', listening: 'Talk on' };

/** The built chat in a process of its own. */
export class ChatServer extends SampleServer {
  /** Resolves once it listens; without a `REDIS_URL` it is alone. */
  static async start(environment: NodeJS.ProcessEnv = {}): Promise<ChatServer> {
    const own = { JWT_SECRET: 'secret', ...environment };
    const server = new ChatServer(SAMPLE, await freePort(), own);
    await server.start();
    return server;
  }
}
