import { beforeEach, describe, expect, it } from 'vitest';
import { createEncoder } from './create-codec.js';
import { FrameWriter } from './frame-writer.js';
import { FrameType } from './frames.js';
import { DEFAULT_LIMITS } from './limits.js';
import type { ModelPort } from './model-port.js';
import { runTask } from './schedule.js';
import type { Transport } from './transport.js';

const NO_MODELS: ModelPort = { typeOf: () => undefined, typeNamed: () => undefined };
const KIB = 1024;

let turns: (() => void)[];
let sent: (string | Uint8Array)[];
let bufferedBytes: number;
let told: string[];
let writer: FrameWriter;

beforeEach(() => {
  turns = [];
  sent = [];
  bufferedBytes = 0;
  told = [];
  const transport: Transport = {
    send: (message, maySend) => maySend?.() !== false && sent.push(message) > 0,
    get bufferedBytes() {
      return bufferedBytes;
    },
    close: () => undefined,
    terminate: () => undefined,
  };
  writer = new FrameWriter(
    createEncoder('json', NO_MODELS, DEFAULT_LIMITS),
    transport,
    DEFAULT_LIMITS,
    (task) => turns.push(() => runTask(task)),
    {
      full: () => told.push('full'),
      roomAgain: () => told.push('room again'),
      forbidden: () => told.push('forbidden'),
    },
  );
});

/** The event loop's next turn. */
function turn(): void {
  for (const run of turns.splice(0)) run();
}

/** Writes as a source does that never waits; tells how many bytes. */
function writeAll(mostBytes: number): number {
  let bytes = 0;
  while (writer.hasRoom && bytes < mostBytes) bytes += writer.item(1, 'x'.repeat(KIB));
  return bytes;
}

describe('A FrameWriter', () => {
  it('sends what a turn wrote as one message when the turn is over', () => {
    writer.item(1, 'a');
    writer.frame([FrameType.end, 1]);
    expect(sent).toEqual([]);
    expect(turns).toHaveLength(1);
    turn();
    expect(sent).toEqual(['[[4,1,3,"a"],[5,1]]']);
  });

  it('sends earlier what exceeds the size of a message', () => {
    writeAll(40 * KIB);
    expect(sent).toHaveLength(1);
  });

  it('has no room while the socket holds too much, and has when that ran empty', () => {
    bufferedBytes = DEFAULT_LIMITS.sendBufferBytes + 1;
    writeAll(KIB);
    turn();
    expect([writer.hasRoom, told]).toEqual([false, ['full']]);
    bufferedBytes = 0;
    writer.drained();
    expect(writer.hasRoom).toBe(true);
  });

  it('makes sources rest for a turn, though the socket takes all that they give', () => {
    const bytes = writeAll(10 * DEFAULT_LIMITS.sendBufferBytes);
    expect(bytes).toBeLessThan(2 * DEFAULT_LIMITS.sendBufferBytes);
    writer.drained();
    writer.flush();
    expect([writer.hasRoom, told]).toEqual([false, []]);
    turn();
    expect([writer.hasRoom, told]).toEqual([true, ['room again']]);
    expect(writeAll(10 * DEFAULT_LIMITS.sendBufferBytes)).toBeGreaterThan(0);
  });

  it('counts what is written without room by those who do not wait for it', () => {
    writer.frame([FrameType.pong]);
    expect(writer.unpausedBytes).toBe(0);
    bufferedBytes = DEFAULT_LIMITS.sendBufferBytes + 1;
    writer.flush();
    for (let i = 0; i < 10; i++) writer.frame([FrameType.pong]);
    expect(writer.unpausedBytes).toBe(50);
    writer.drained();
    expect(writer.unpausedBytes).toBe(0);
  });

  it('asks once for each message whether it may be sent, and sends none after a no', () => {
    const answers = [true, false, true];
    writer.maySend = () => answers.shift() ?? true;
    writer.item(1, 'a');
    writer.item(1, 'b');
    turn();
    writer.flush();
    expect([sent.length, answers.length]).toEqual([1, 2]);
    writer.item(1, 'c');
    turn();
    expect([sent.length, told]).toEqual([1, ['forbidden']]);
    writer.item(1, 'd');
    writer.end();
    turn();
    expect([sent.length, told]).toEqual([1, ['forbidden']]);
  });

  it('asks nothing once the question is taken away', () => {
    writer.maySend = () => false;
    writer.maySend = undefined;
    writer.item(1, 'a');
    turn();
    expect([sent.length, told]).toEqual([1, []]);
  });

  it('keeps to the size of messages that the peer takes, whatever the turns of its streams', () => {
    const bytes = 8 * KIB;
    writer.limitMessages(bytes);
    for (let i = 0; i < bytes / 20; i++) writer.item(5000 + (i % 2), 1);
    writer.item(1, 'x'.repeat(bytes / 2 - 10));
    turn();
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThanOrEqual(bytes);
  });

  it('sends nothing after its end', () => {
    writer.item(1, 'a');
    writer.end();
    writer.item(1, 'b');
    turn();
    expect(sent).toEqual(['[[4,1,3,"a"]]']);
  });
});
