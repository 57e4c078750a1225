import { afterEach, describe, expect, it } from 'vitest';
import { createStreamingClient } from '../../lib/client/index.js';
import type { StreamingClient } from '../../lib/client/types.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { failure } from '../nest/app.js';
import type { WorkController } from './apps/source/life.js';
import { type ServerProcess, startServer } from './sandbox.js';

type Endpoints = { work: WorkController };
type Client = StreamingClient<Endpoints>;

const clients: Client[] = [];
const servers: ServerProcess[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) server.kill('SIGKILL');
});

/** What signals and closing do to an app's process, and to the calls that run in it. */
export function describeLife(app: () => string): void {
  async function start(env: NodeJS.ProcessEnv) {
    const server = await startServer(app(), 'life', { DRAIN_MS: '60000', ...env });
    servers.push(server);
    return { server, connect: () => connect(server.url) };
  }

  describe('its process', () => {
    it('with shutdown hooks lets calls end, even at a second signal, and takes no new ones', async () => {
      const { server, connect } = await start({ HOOKS: 'on' });
      const { input, next } = echo(connect());
      expect(await next('before')).toBe('before');
      server.kill('SIGTERM');
      await untilRefused(connect());
      server.kill('SIGTERM');
      expect(await next('after')).toBe('after');
      input.close();
      expect(await server.ended).toBe('SIGTERM');
      expect(server.output()).not.toContain('enableShutdownHooks');
    });

    it('with shutdown hooks does not wait for ever for a handler that does not end', async () => {
      const { server, connect } = await start({ HOOKS: 'on', DRAIN_MS: '50' });
      const stream = connect().work.deaf()[Symbol.asyncIterator]();
      await stream.next();
      server.kill('SIGTERM');
      expect(await failure(stream.next())).toMatchObject({
        code: 'connection-lost',
        message: expect.stringContaining('1001'),
      });
      expect(await server.ended).toBe('SIGTERM');
    });

    it('without shutdown hooks ends at once, and has warned of it', async () => {
      const { server, connect } = await start({ HOOKS: 'off' });
      const { next } = echo(connect());
      expect(await next('before')).toBe('before');
      server.kill('SIGTERM');
      expect(await failure(next('after'))).toMatchObject({ code: 'connection-lost' });
      expect(await server.ended).toBe('SIGTERM');
      expect(server.output()).toContain('app.enableShutdownHooks()');
    });

    it('ends by itself when the application is closed', async () => {
      const { server, connect } = await start({ HOOKS: 'on' });
      const client = connect();
      const { input, next } = echo(client);
      expect(await next('before')).toBe('before');
      await client.work.close();
      await untilRefused(connect());
      input.close();
      expect(await server.ended).toBe(0);
    });
  });
}

function connect(url: string): Client {
  const client: Client = createStreamingClient<Endpoints>({ url });
  clients.push(client);
  return client;
}

/** A call that goes on for as long as its input. */
function echo(client: Client) {
  const input = new StreamController<string>();
  const output = client.work.echo(input)[Symbol.asyncIterator]();
  const next = async (word: string) => {
    input.add(word);
    return (await output.next()).value;
  };
  return { input, next };
}

/** Calls until the server refuses it, because it closes. */
async function untilRefused(client: Client): Promise<void> {
  const call = () =>
    client.work.ping().then(
      () => false,
      () => true,
    );
  while (!(await call()));
}
