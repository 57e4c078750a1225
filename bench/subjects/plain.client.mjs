import { once } from 'node:events';
import { WebSocket } from 'ws';
import { checkItem, makeItem } from '../item.mjs';

const QUEUE_BYTES = 256 * 1024;

export async function connect({ url }) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return new PlainClient(socket);
}

class PlainClient {
  #socket;
  #next = 0;

  constructor(socket) {
    this.#socket = socket;
  }

  async streamOut(count) {
    const received = this.#receive(count);
    this.#request(count);
    await received;
  }

  async echo(count) {
    const received = this.#receive(count);
    for (let id = 0; id < count; id++) {
      const text = JSON.stringify(makeItem(id));
      if (this.#socket.bufferedAmount < QUEUE_BYTES) this.#socket.send(text);
      else await new Promise((resolve) => this.#socket.send(text, resolve));
    }
    await received;
  }

  async roundTrips(count) {
    const times = new Float64Array(count);
    for (let id = 0; id < count; id++) {
      const start = performance.now();
      const item = await this.#ask(makeItem(id));
      times[id] = performance.now() - start;
      checkItem(item, id);
    }
    return times;
  }

  async firstItems(count) {
    const times = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      const item = await this.#ask({ method: 'items', count: 1 });
      times[i] = performance.now() - start;
      checkItem(item, 0);
    }
    return times;
  }

  startEndless() {
    this.#next = 0;
    this.#socket.pause();
    this.#request(null);
  }

  /** Takes `count` items of the endless output, then reads the socket no more. */
  async read(count) {
    const received = this.#receive(this.#next + count, this.#next);
    this.#socket.resume();
    await received;
    this.#socket.pause();
  }

  #request(count) {
    this.#socket.send(JSON.stringify({ method: 'items', count }));
  }

  #ask(frame) {
    return new Promise((resolve) => {
      this.#socket.onmessage = ({ data }) => resolve(JSON.parse(data));
      this.#socket.send(JSON.stringify(frame));
    });
  }

  /** Resolves at item `last`; what the receiver has read already goes on being checked after that. */
  #receive(last, first = 0) {
    this.#next = first;
    return new Promise((resolve, reject) => {
      this.#socket.onclose = () => reject(new Error('the connection is lost'));
      this.#socket.onmessage = ({ data }) => {
        this.#check(data, reject);
        if (this.#next === last) resolve();
      };
    });
  }

  #check(data, reject) {
    try {
      checkItem(JSON.parse(data), this.#next++);
    } catch (error) {
      reject(error);
    }
  }
}
