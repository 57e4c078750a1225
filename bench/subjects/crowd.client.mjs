import { createStreamingClient } from 'nestjs-streaming/client';
import { LargeItems, makeLargeItem } from '../large-item.mjs';

export async function connect({ url, codec, size, streams }) {
  const clients = Array.from({ length: size }, () =>
    createStreamingClient({ url, codec, idleMs: 60_000 }),
  );
  await Promise.all(clients.map((client) => client.crowd.ready()));
  return new Crowd(clients, streams);
}

/** Many clients with as many streams each. */
class Crowd {
  #clients;
  #streams;
  #outputs;
  #floods;

  constructor(clients, streams) {
    this.#clients = clients;
    this.#streams = streams;
  }

  startOutputs() {
    this.#outputs = this.#clients.flatMap((client) =>
      this.#times(() => new LargeItems(client.crowd.items())),
    );
  }

  /** Takes `count` items of every output, then takes no more. */
  async readOutputs(count) {
    await Promise.all(this.#outputs.map((output) => output.read(count)));
  }

  /** Every client floods the inputs of one call, which takes the first `slowItems` slowly. */
  startFloods(slowItems) {
    this.#floods = this.#clients.map((client) => {
      const inputs = this.#times(() => new Flood());
      return { inputs, taken: client.crowd.take(slowItems, ...inputs) };
    });
  }

  /** Lets every input end, `count` items later; all that was given must have been taken. */
  async endFloods(count) {
    for (const { inputs } of this.#floods) for (const input of inputs) input.endAfter(count);
    for (const { inputs, taken } of this.#floods) {
      const counts = await taken;
      for (const [i, input] of inputs.entries()) input.check(counts[i]);
    }
  }

  #times(make) {
    return Array.from({ length: this.#streams }, make);
  }
}

/** Gives large items as fast as they are taken. */
class Flood {
  #given = 0;
  #last = Number.POSITIVE_INFINITY;

  async *[Symbol.asyncIterator]() {
    while (this.#given < this.#last) yield makeLargeItem(this.#given++);
  }

  endAfter(count) {
    this.#last = this.#given + count;
  }

  check(taken) {
    if (taken !== this.#last) throw new Error(`gave ${this.#last} items, ${taken} were taken`);
  }
}
