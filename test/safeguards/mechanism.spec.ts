import { describe, expect, it } from 'vitest';
import { holdToFail } from './describe-safeguards.js';
import type { Safeguard } from './safeguard.js';

const SAFEGUARD: Safeguard = {
  name: 'the bound of what is under way',
  guards: 'memory would grow',
  file: 'lib/bus/redis/in-flight.ts',
  text: 'if (this.#messages === 0) return Promise.resolve();',
  replacement: 'if (this.#messages <= 0) return Promise.resolve();',
  spec: 'test/redis/startup.spec.ts',
  test: 'RedisDriver at the start tells that the password is wrong',
};
const IN_THREE_PROCESSES = {
  spec: 'test/redis/ledger.spec.ts',
  test: 'The ledger of three processes has no gap and nothing missing when all is well',
};

describe.concurrent('What holds a test to fail without its safeguard', () => {
  async function complaintAbout(change: Partial<Safeguard>): Promise<string> {
    const reason = await holdToFail({ ...SAFEGUARD, ...change }).catch(String);
    return String(reason);
  }

  it('complains of a test that passes all the same', async () => {
    expect(await complaintAbout({})).toContain('AssertionError: memory would grow');
  });

  it('complains of a test that is not there', async () => {
    expect(await complaintAbout({ test: 'is not there' })).toContain('memory would grow');
    expect(await complaintAbout({ spec: 'test/no.spec.ts' })).toContain('memory would grow');
  });

  it('complains of a text that is not there, or there twice', async () => {
    const twice = { text: 'this.#messages' };
    for (const change of [{ text: 'is not there' }, twice, { also: { ...SAFEGUARD, ...twice } }])
      expect(await complaintAbout(change)).toContain('does not have this exactly once');
  });

  it('complains of what is broken, here or in a process of the test', async () => {
    const replacement = 'if (';
    expect(await complaintAbout({ replacement })).toContain('could not be run');
    expect(await complaintAbout({ replacement, ...IN_THREE_PROCESSES })).toContain(
      'not by what the test looks at: Error: ledger-process.ts could not be run',
    );
  });

  it('complains of an error that the test does not mean', async () => {
    const replacement = "throw new TypeError('wrong');";
    const change = {
      text: 'this.#maxMessages = maxMessages;',
      replacement,
      spec: 'test/redis/order.spec.ts',
      test: 'What one process publishes has no gap where another process begins, or comes back',
    };
    expect(await complaintAbout(change)).toContain('looks at: TypeError: wrong');
  });
});
