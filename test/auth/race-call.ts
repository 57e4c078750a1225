import { WebSocket } from 'ws';
import type { StreamingClient } from '../../lib/client/types.js';
import { RawPeer } from '../protocol/raw-peer.js';
import type { RaceController } from './race-app.js';

export type RaceClient = StreamingClient<{ race: RaceController }>;
export type Method = 'secrets' | 'drawings' | 'own' | 'value';

/** A call of the user who is revoked, from the client's side. */
export interface RaceCall {
  readonly name: string;
  /** How it ended: an error's code, or `ended`. */
  readonly over: Promise<string>;
  /** Its first item is there, or it is over. */
  readonly flowing: Promise<void>;
}

export function openCall(client: RaceClient, method: Method, name: string): RaceCall {
  const { race } = client;
  if (method === 'value') return toCall(name, () => race.value(name));
  return toCall(name, (began) => read(race[method](name), began));
}

/** The input goes on until nobody takes it any more. */
export function openUpload(client: RaceClient, name: string, pauseMs: number): RaceCall {
  async function* numbers() {
    for (let n = 0; ; n++) {
      yield n;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return toCall(name, (began) => read(client.race.upload(name, numbers()), began));
}

function toCall(name: string, run: (began: () => void) => PromiseLike<unknown>): RaceCall {
  let began = () => {};
  const flowing = new Promise<void>((resolve) => {
    began = resolve;
  });
  const over = codeOf(run(began));
  void over.then(began);
  return { name, over, flowing };
}

/** A client that allows very much, and reads nothing before it is told to. */
export class StalledCall implements RaceCall {
  readonly over: Promise<string>;
  readonly flowing = Promise.resolve();
  #nibbling: ReturnType<typeof setInterval> | undefined;

  private constructor(
    readonly name: string,
    readonly peer: RawPeer,
  ) {
    this.over = this.#end();
  }

  static async open(
    port: number,
    credentials: string,
    method: Method,
    name: string,
  ): Promise<StalledCall> {
    const url = `ws://127.0.0.1:${port}/streaming`;
    const peer = new RawPeer(new WebSocket(url, ['nestjs-streaming.v1.json']), 'json');
    await peer.next();
    peer.send([0, [100_000, 16_000_000], credentials], [2, 1, `race.${method}`, [name], []]);
    peer.socket.pause();
    return new StalledCall(name, peer);
  }

  /** Reads a little now and then, until `read`. */
  nibble(): void {
    const { socket } = this.peer;
    this.#nibbling = setInterval(() => {
      socket.resume();
      setImmediate(() => socket.pause());
    }, 2);
  }

  /** Reads all that comes. */
  read(): void {
    clearInterval(this.#nibbling);
    setImmediate(() => this.peer.socket.resume());
  }

  async #end(): Promise<string> {
    const { last } = await this.peer.output(1);
    this.peer.socket.terminate();
    return last[0] === 6 ? (last[2] as { code: string }).code : 'ended';
  }
}

async function read(items: AsyncIterable<unknown>, began: () => void): Promise<void> {
  for await (const _ of items) began();
}

async function codeOf(running: PromiseLike<unknown>): Promise<string> {
  try {
    await running;
    return 'ended';
  } catch (error) {
    return String((error as { code?: string }).code ?? error);
  }
}
