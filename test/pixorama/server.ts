import { freePort } from '../redis/redis-server.js';
import { SampleServer } from '../sample-server.js';

const SAMPLE = { name: 'pixorama', listening: 'Draw on' };

/** The built Pixorama in a process of its own. */
export class PixoramaServer extends SampleServer {
  /** Resolves once it listens; without a `REDIS_URL` it is alone. */
  static async start(environment: NodeJS.ProcessEnv = {}): Promise<PixoramaServer> {
    const server = new PixoramaServer(SAMPLE, await freePort(), environment);
    await server.start();
    return server;
  }
}
