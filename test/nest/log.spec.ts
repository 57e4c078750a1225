import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { startApp } from './app.js';

async function sendGarbage(port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/streaming`, SUBPROTOCOLS.json);
  socket.on('open', () => socket.send('garbage'));
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

describe('The log', () => {
  it('tells of peers that break the protocol once for many, with address and reason', async () => {
    const { log, port } = await startApp({});
    for (let i = 0; i < 5; i++) expect(await sendGarbage(port)).toBe(4400);
    expect(log.find('warn', '4400')).toEqual([
      expect.stringMatching(/^warn Connection \S+ of \S*127\.0\.0\.1 closed: 4400 "a message that/),
    ]);
    expect(log.find('debug', '4400')).toHaveLength(4);
  });
});
