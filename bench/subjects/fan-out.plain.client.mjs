import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Tally } from '../tally.mjs';

export async function connect({ url, connections, streams }) {
  const tally = new Tally(streams);
  const sockets = Array.from({ length: connections }, () => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    read(socket, tally, streams / connections);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'open')));
  return new PlainFanOut(sockets[0], tally);
}

function read(socket, tally, streams) {
  let received = 0;
  socket.onclose = () => tally.failed(new Error('a connection is lost'));
  socket.onmessage = ({ data }) => {
    tally.received(JSON.parse(data), Math.floor(received++ / streams));
  };
}

class PlainFanOut {
  #publisher;
  #tally;
  #next = 0;

  constructor(publisher, tally) {
    this.#publisher = publisher;
    this.#tally = tally;
  }

  async fanOut(count) {
    for (let i = 0; i < count; i++) {
      const all = this.#tally.all();
      this.#publisher.send(JSON.stringify(this.#next++));
      await all;
    }
  }
}
