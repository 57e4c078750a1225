import { createStreamingClient, StreamController } from 'nestjs-streaming/client';
import { checkItem, makeItem, makeItems } from '../item.mjs';

export async function connect({ url, codec }) {
  const client = createStreamingClient({ url, codec, idleMs: 60_000 });
  await client.bench.ready();
  return new StreamingLoad(client);
}

class StreamingLoad {
  #client;
  #endless;
  #next = 0;

  constructor(client) {
    this.#client = client;
  }

  async streamOut(count) {
    await checkAll(this.#client.bench.items(count), count);
  }

  async echo(count) {
    await checkAll(this.#client.bench.echo(makeItems(count)), count);
  }

  async roundTrips(count) {
    const times = new Float64Array(count);
    const input = new StreamController();
    const output = this.#client.bench.echo(input)[Symbol.asyncIterator]();
    for (let id = 0; id < count; id++) {
      const start = performance.now();
      input.add(makeItem(id));
      const { value } = await output.next();
      times[id] = performance.now() - start;
      checkItem(value, id);
    }
    input.close();
    await output.next();
    return times;
  }

  async firstItems(count) {
    const times = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      const output = this.#client.bench.items(1)[Symbol.asyncIterator]();
      const { value } = await output.next();
      times[i] = performance.now() - start;
      checkItem(value, 0);
      await output.next();
    }
    return times;
  }

  startEndless() {
    this.#next = 0;
    this.#endless = this.#client.bench.items(null)[Symbol.asyncIterator]();
  }

  /** Takes `count` items of the endless output, then takes no more. */
  async read(count) {
    for (let i = 0; i < count; i++) {
      const { value } = await this.#endless.next();
      checkItem(value, this.#next++);
    }
  }

  close() {
    return this.#client.close();
  }
}

async function checkAll(output, count) {
  let next = 0;
  for await (const item of output) checkItem(item, next++);
  if (next !== count) throw new Error(`expected ${count} items, got ${next}`);
}
