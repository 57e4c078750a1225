import { describe, expect, it } from 'vitest';
import { LocalDriver } from './local-driver.js';
import { describeClusterLog, NotedLog } from './spec/cluster-log.contract.js';
import { Relay, RelayDriver } from './spec/relay-driver.js';

describeClusterLog('LocalDriver', {
  create: async () => new LocalDriver(),
  join: async (first) => first,
});

const relays = new WeakMap<object, Relay>();

function connect(relay: Relay): RelayDriver {
  const driver = new RelayDriver(relay);
  relays.set(driver, relay);
  return driver;
}

describeClusterLog('RelayDriver', {
  create: async () => connect(new Relay()),
  join: async (first) => connect(relays.get(first) ?? new Relay()),
});

describe('A cluster log of one process', () => {
  it('has applied an entry when append returns', async () => {
    const { log, entries } = new NotedLog(new LocalDriver());
    await log.ready;
    const appended = log.append('a');
    expect(entries).toEqual(['a']);
    await appended;
  });
});
