import { WebSocketServer } from 'ws';
import { makeItems } from '../item.mjs';

// What the usual hand-written server does, and as fast as it gets: one JSON text frame per item.
// `ws` never pushes back by itself, so a stream waits for its last write once this much is queued.
const QUEUE_BYTES = 1024 * 1024;

export async function listen() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data) => receive(socket, JSON.parse(data)));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `ws://127.0.0.1:${server.address().port}` };
}

function receive(socket, frame) {
  if (frame.count === undefined) echo(socket, frame);
  else stream(socket, frame.count);
}

function echo(socket, item) {
  const text = JSON.stringify(item);
  if (socket.bufferedAmount < QUEUE_BYTES || socket.isPaused) return socket.send(text);
  socket.pause();
  socket.send(text, () => socket.resume());
}

async function stream(socket, count) {
  for await (const item of makeItems(count ?? Number.POSITIVE_INFINITY)) {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount < QUEUE_BYTES) socket.send(JSON.stringify(item));
    else await new Promise((resolve) => socket.send(JSON.stringify(item), resolve));
  }
}
