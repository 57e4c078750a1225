import { afterAll, beforeAll } from 'vitest';
import { describeHistory } from '../../lib/bus/spec/history.contract.js';
import { connectDriver, VERSIONS } from './driver.js';
import { RedisServerProcess } from './redis-server.js';

let server: RedisServerProcess;

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

for (const [version, connect] of VERSIONS) {
  describeHistory(`RedisDriver with ${version}`, {
    clustered: true,
    create: () => connectDriver(connect(server.url)),
  });
}
