import { WebSocketServer } from 'ws';
import { makeUpdate } from '../update.mjs';

/** What the usual broadcast does: one text for all, sent once for each stream of each socket. */
export async function listen({ streams }) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data) => publish(server, JSON.parse(data), streams));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `ws://127.0.0.1:${server.address().port}` };
}

function publish({ clients }, id, streams) {
  const text = JSON.stringify(makeUpdate(id));
  for (let sent = 0; sent < streams; sent += clients.size) {
    for (const socket of clients) socket.send(text);
  }
}
