import { afterAll, beforeAll } from 'vitest';
import { describeClusterLog } from '../../lib/bus/spec/cluster-log.contract.js';
import { connectDriver, VERSIONS } from './driver.js';
import { RedisServerProcess } from './redis-server.js';

let server: RedisServerProcess;
const prefixes = new WeakMap<object, string>();
let clusters = 0;

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

for (const [version, connect] of VERSIONS) {
  const open = async (prefix: string) => {
    const driver = await connectDriver(connect(server.url), { prefix });
    prefixes.set(driver, prefix);
    return driver;
  };
  describeClusterLog(`RedisDriver with ${version}`, {
    create: () => open(`cluster-${clusters++}:`),
    join: (first) => open(prefixes.get(first) ?? ''),
  });
}
