import type { RawData, WebSocket } from 'ws';
import type { CodecName } from '../../lib/protocol/version.js';
import { pack, unpackAll } from './msgpack.js';

export type Frame = readonly unknown[];

/** How a connection was closed, as this side saw it. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

const PATIENCE_MS = 5_000;

/**
 * One end of a real WebSocket that speaks the protocol by hand: what a test sends is what crosses,
 * right or wrong. Frames that came wait here until they are asked for.
 */
export class RawPeer {
  readonly socket: WebSocket;
  readonly codec: CodecName;
  readonly closed: Promise<Closing>;
  /** Answers pings by itself; they are not among the frames then. */
  answersPings = false;
  /** How many messages came, and how large the largest was, in bytes. */
  messages = 0;
  largest = 0;
  readonly #frames: Frame[] = [];
  #arrived: (() => void) | undefined;

  constructor(socket: WebSocket, codec: CodecName) {
    this.socket = socket;
    this.codec = codec;
    socket.on('message', (data) => this.#receive(data));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    void this.closed.then(() => this.#arrived?.());
  }

  /** Sends frames as one message. */
  send(...frames: Frame[]): void {
    if (this.codec === 'json') this.raw(JSON.stringify(frames));
    else this.raw(Buffer.concat(frames.map(pack)));
  }

  /** Sends a message as it is. */
  raw(message: string | Uint8Array): void {
    this.socket.send(message);
  }

  /** An item frame that tells its true size. */
  item(stream: number | number[], ...items: unknown[]): Frame {
    const sizes = items.map((item) =>
      this.codec === 'json' ? JSON.stringify(item).length : pack(item).length,
    );
    return [4, stream, sizes.reduce((a, b) => a + b, 0), ...items];
  }

  /** The next frame that came. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await this.#more();
    }
  }

  /** The frames that came up to the first that fits, which is the last of them. */
  async until(fits: (frame: Frame) => boolean): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      frames.push(frame);
      if (fits(frame)) return frames;
    }
  }

  /** All frames the peer makes of what it was sent so far, unless something else holds them up. */
  async settled(): Promise<Frame[]> {
    const frames: Frame[] = [];
    // The first answer may come before what handlers do in the same turn.
    for (let pings = 0; pings < 2; pings++) {
      this.send([10]);
      frames.push(...(await this.until(([type]) => type === 11)).slice(0, -1));
    }
    return frames;
  }

  /** All items of a stream up to its end or error, and that last frame. */
  async output(stream: number): Promise<{ items: unknown[]; last: Frame }> {
    const ours = ([, to]: Frame) => to === stream || (Array.isArray(to) && to.includes(stream));
    const frames = await this.until(
      (frame) => (frame[0] === 5 || frame[0] === 6) && frame[1] === stream,
    );
    const runs = frames.filter((frame) => frame[0] === 4 && ours(frame));
    return { items: runs.flatMap((run) => run.slice(3)), last: frames.at(-1) ?? [] };
  }

  #receive(data: RawData): void {
    const text = data as Buffer;
    const frames = this.codec === 'json' ? JSON.parse(text.toString()) : unpackAll(text);
    this.messages++;
    this.largest = Math.max(this.largest, text.length);
    for (const frame of frames as Frame[]) this.#take(frame);
    // A ping that was answered is no frame, and whoever waits for one waits on.
    if (this.#frames.length > 0) this.#arrived?.();
  }

  #take(frame: Frame): void {
    if (this.answersPings && frame[0] === 10) this.send([11]);
    else this.#frames.push(frame);
  }

  #more(): Promise<void> {
    if (this.socket.readyState === this.socket.CLOSED) {
      return Promise.reject(new Error('The connection is closed, and no frame is left.'));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('No frame came.')), PATIENCE_MS);
      this.#arrived = () => {
        clearTimeout(timer);
        this.#arrived = undefined;
        if (this.#frames.length > 0) resolve();
        else reject(new Error('The connection closed before a frame came.'));
      };
    });
  }
}
