import { once } from 'node:events';
import { WebSocket } from 'ws';
import { createDecoder, createEncoder } from '../../dist/esm/protocol/create-codec.js';
import { FIRST_ITEM, FrameType } from '../../dist/esm/protocol/frames.js';
import { DEFAULT_LIMITS } from '../../dist/esm/protocol/limits.js';
import { Tally } from '../tally.mjs';

const NO_MODELS = { typeOf: () => undefined, typeNamed: () => undefined };

/** More than is ever sent, and a small integer, as a client's credit is. */
const CREDIT = 2 ** 30;

/**
 * The protocol by hand: a thousand whole clients on the other core would take more of the caches that
 * both cores share than a thousand plain sockets do, and the server would be charged for it.
 */
export async function connect({ url, codec, connections, streams }) {
  const tally = new Tally(streams);
  const peers = Array.from({ length: connections }, () => new Peer(url, codec, tally));
  await Promise.all(peers.map((peer) => peer.open(streams / connections)));
  return new FanOutLoad(peers[0], tally);
}

class Peer {
  #socket;
  #encoder;
  #decoder;
  #tally;
  /** The next message of each stream. */
  #next = new Map();
  #lastCall = 0;

  constructor(url, codec, tally) {
    this.#socket = new WebSocket(url, `nestjs-streaming.v1.${codec}`, { perMessageDeflate: false });
    this.#encoder = createEncoder(codec, NO_MODELS, DEFAULT_LIMITS);
    this.#decoder = createDecoder(codec, NO_MODELS, DEFAULT_LIMITS, true);
    this.#tally = tally;
  }

  /** Opens the streams; resolves when the server has accepted all of them. */
  async open(streams) {
    await once(this.#socket, 'open');
    let left = streams;
    const opened = new Promise((resolve) => {
      this.#read(() => --left === 0 && resolve());
    });
    this.#encoder.frame([FrameType.hello, [CREDIT, CREDIT], null]);
    for (let i = 0; i < streams; i++) this.#next.set(this.#call('updates'), 0);
    this.#send();
    await opened;
  }

  publish(id) {
    this.#call('publish', id);
    this.#send();
  }

  #call(method, ...args) {
    const call = ++this.#lastCall;
    this.#encoder.frame([FrameType.open, call, `fanOut.${method}`, args, []]);
    return call;
  }

  #send() {
    this.#socket.send(this.#encoder.take());
  }

  #read(opened) {
    const receive = (frame) => {
      if (frame[0] === FrameType.item) this.#take(frame);
      else if (frame[0] === FrameType.opened) opened();
      else if (frame[0] === FrameType.ping) this.#pong();
    };
    this.#socket.on('close', () => this.#tally.failed(new Error('a connection is lost')));
    this.#socket.on('message', (data, isBinary) => {
      this.#decoder.decode(isBinary ? data : data.toString(), receive);
    });
  }

  #pong() {
    this.#encoder.frame([FrameType.pong]);
    this.#send();
  }

  #take(frame) {
    const stream = frame[1];
    for (let i = FIRST_ITEM; i < frame.length; i++) {
      const id = this.#next.get(stream);
      this.#next.set(stream, id + 1);
      this.#tally.received(frame[i], id);
    }
  }
}

class FanOutLoad {
  #publisher;
  #tally;
  #next = 0;

  constructor(publisher, tally) {
    this.#publisher = publisher;
    this.#tally = tally;
  }

  /** One message after the other, each once every stream has the one before. */
  async fanOut(count) {
    for (let i = 0; i < count; i++) {
      const all = this.#tally.all();
      this.#publisher.publish(this.#next++);
      await all;
    }
  }
}
