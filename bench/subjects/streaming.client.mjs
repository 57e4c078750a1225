import { createStreamingClient, StreamController } from 'nestjs-streaming/client';
import { checkItem, makeItem, makeItems } from '../item.mjs';

export function connect(options) {
  return StreamingLoad.connect(options, { make: makeItem, check: checkItem });
}

export class StreamingLoad {
  #client;
  #make;
  #check;
  #endless;
  #next = 0;

  /** `make` and `check` are of the items that cross. */
  static async connect({ url, codec, models = [] }, { make, check }) {
    const client = createStreamingClient({ url, codec, models, idleMs: 60_000 });
    await client.bench.ready();
    return new StreamingLoad(client, make, check);
  }

  constructor(client, make, check) {
    this.#client = client;
    this.#make = make;
    this.#check = check;
  }

  async streamOut(count) {
    await this.#checkAll(this.#client.bench.items(count), count);
  }

  async echo(count) {
    await this.#checkAll(this.#client.bench.echo(makeItems(count, this.#make)), count);
  }

  async roundTrips(count) {
    const times = new Float64Array(count);
    const input = new StreamController();
    const output = this.#client.bench.echo(input)[Symbol.asyncIterator]();
    for (let id = 0; id < count; id++) {
      const start = performance.now();
      input.add(this.#make(id));
      const { value } = await output.next();
      times[id] = performance.now() - start;
      this.#check(value, id);
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
      this.#check(value, 0);
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
      this.#check(value, this.#next++);
    }
  }

  async #checkAll(output, count) {
    let next = 0;
    for await (const item of output) this.#check(item, next++);
    if (next !== count) throw new Error(`expected ${count} items, got ${next}`);
  }
}
