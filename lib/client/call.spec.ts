import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../protocol/limits.js';
import { StreamController } from '../stream/stream-controller.js';
import { CallOutput, ClientCall } from './call.js';

/** A call that a connection carries; what it tells the connection. */
function createCall(...args: unknown[]) {
  const call = new ClientCall('test.method', args, DEFAULT_LIMITS, {
    reopens: false,
    run: (run) => run(),
  });
  const wire = { grant: vi.fn(), cancel: vi.fn(), presented: 0 };
  return { call, wire, output: new CallOutput(call) };
}

function createSent(...args: unknown[]) {
  const created = createCall(...args);
  created.call.attach(created.wire);
  return created;
}

async function readAll(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('A call', () => {
  it('finds the streams among its arguments and leaves null in their places', () => {
    const input = new StreamController();
    const { call } = createCall(1, input, { two: [2] }, new ReadableStream());
    expect(call.args).toEqual([1, null, { two: [2] }, null]);
    expect([...call.inputs.keys()]).toEqual([1, 3]);
  });

  it('that was opened as a value and is cancelled before it came rejects who awaits it', async () => {
    const { call, wire, output } = createSent();
    call.opened('value');
    const awaiting = expect(output).rejects.toMatchObject({ code: 'cancelled' });
    await Promise.resolve();
    output.cancel();
    await awaiting;
    expect(wire.cancel).toHaveBeenCalledTimes(1);
  });

  it('that was opened as a value and fails before it came rejects who awaits it', async () => {
    const { call, output } = createSent();
    call.opened('value');
    call.failed('lost');
    await expect(output).rejects.toBe('lost');
  });

  it('that ends without a value gives undefined', async () => {
    const { call, output } = createSent();
    call.opened('value');
    call.ended();
    expect(await output).toBeUndefined();
  });

  it('that a server ends without having opened it rejects who awaits it', async () => {
    const { call, output } = createSent();
    call.ended();
    await expect(output).rejects.toMatchObject({ code: 'internal' });
    expect(await readAll(output)).toEqual([]);
  });

  it('is over once: what follows changes nothing', async () => {
    const ways: ((call: ClientCall) => void)[] = [
      (call) => call.ended(),
      (call) => call.failed('failed'),
      (call) => call.cancel(),
    ];
    for (const first of ways) {
      const { call, wire, output } = createSent();
      call.opened('stream');
      first(call);
      const told = await readAll(output).catch((error: unknown) => error);
      expect(call.isOver).toBe(true);
      for (const later of ways) later(call);
      expect(wire.cancel).toHaveBeenCalledTimes(first === ways[2] ? 1 : 0);
      expect(told).toEqual(first === ways[1] ? 'failed' : []);
      expect(await readAll(output)).toEqual([]);
    }
  });

  it('that was never sent lets its inputs go, and one that was sent leaves them', () => {
    const inputs = [new StreamController(), new StreamController(), new StreamController()];
    const [failed, cancelled, sent] = inputs as [object, object, object];
    createCall(failed).call.failed('failed');
    createCall(cancelled).call.cancel();
    createSent(sent).call.failed('failed');
    expect(inputs.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
  });
});
