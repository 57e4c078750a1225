import { StreamError } from '../../lib/protocol/stream-error.js';
import type { ServerCall } from '../../lib/server/call.js';
import { type Handler, turn } from '../engine/engine.js';

/** What the handlers saw, in order. */
export type Seen = unknown[];

/** Methods that show, in `seen`, what became of a call. Each ends once its call is over. */
export function createHandlers(seen: Seen): Record<string, Handler> {
  return {
    echo,
    async *count(_call, n: number) {
      for (let i = 0; i < n; i++) yield i;
    },
    async *forever(call) {
      try {
        for (let i = 0; ; i++) {
          yield i;
          await turn();
        }
      } finally {
        seen.push(`forever ${call.end}`);
      }
    },
    value: (_call, ...args: unknown[]) => {
      seen.push(args);
      return args.length === 1 ? args[0] : args.length;
    },
    nothing: async () => undefined,
    late: async (call) => {
      await over(call);
      seen.push(`late ${call.end}`);
      return 'too late';
    },
    /** Reads no input and gives nothing. */
    // biome-ignore lint/correctness/useYield: a stream without items
    async *silent(call) {
      await over(call);
      seen.push(`silent ${call.end}`);
    },
    /** Reads one item of the first input, then echoes the second. */
    async *first(_call, one: AsyncIterable<unknown>, two: AsyncIterable<unknown>) {
      for await (const item of one) {
        yield item;
        break;
      }
      yield* two;
    },
    /** Echoes an input; when it fails, gives the error's code and message and goes on. */
    async *careful(call, input: AsyncIterable<unknown>) {
      try {
        for await (const item of input) yield item;
      } catch (error) {
        yield [(error as StreamError).code, (error as Error).message];
      }
      await over(call);
    },
    async sum(_call, input: AsyncIterable<number>) {
      let sum = 0;
      for await (const item of input) sum += item;
      return sum;
    },
    refuse: () => {
      throw new StreamError('permission-denied', 'No.', { data: { who: 'you' } });
    },
    async *fail(_call, n: number) {
      for (let i = 0; i < n; i++) yield i;
      throw new Error('secret inner text');
    },
    unsendable: () => () => 'a function',
  };
}

async function* echo(_call: ServerCall, input: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const item of input) yield item;
}

function over(call: ServerCall): Promise<void> {
  return new Promise((resolve) => {
    call.onOver(resolve);
  });
}
