import type { CodecLimits, FrameDecoder, FrameReceiver } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import { JsonReviver } from './json-value.js';
import type { ModelPort } from './model-port.js';
import { StreamError } from './stream-error.js';
import { PeerTypes } from './type-table.js';
import { ProtocolViolation } from './violation.js';

/** How much of a message may belong to no run before the sizes its runs tell are measured. */
const UNTOLD_LIMIT = 4096;

/** Takes messages of JSON text apart (PROTOCOL.md, section 5.1). */
export class JsonDecoder implements FrameDecoder {
  readonly #types: PeerTypes;
  readonly #reviver: JsonReviver;
  readonly #depth: number;

  constructor(models: ModelPort, limits: CodecLimits) {
    this.#types = new PeerTypes(models, limits);
    this.#reviver = new JsonReviver(this.#types);
    this.#depth = limits.depth;
  }

  decode(message: string | Uint8Array, each: FrameReceiver): void {
    if (typeof message !== 'string') throw new ProtocolViolation('a binary message');
    const frames = parse(message, this.#depth);
    checkSizes(frames, message.length);
    const plain = isPlainText(message);
    for (const frame of frames) {
      if (frame[0] === FrameType.types) this.#types.announce(frame);
      else each(frame, plain ? undefined : this.#revive(frame));
    }
  }

  #revive(frame: unknown[]): StreamError | undefined {
    try {
      this.#reviver.revive(frame);
      return undefined;
    } catch (error) {
      if (error instanceof StreamError) return error;
      throw error;
    }
  }
}

function parse(text: string, depth: number): unknown[][] {
  if (isDeeperThan(text, depth)) throw new ProtocolViolation('a message that nests too deep');
  let frames: unknown;
  try {
    frames = JSON.parse(text);
  } catch {
    throw new ProtocolViolation('a message that is not JSON');
  }
  if (!Array.isArray(frames) || !frames.every(Array.isArray)) {
    throw new ProtocolViolation('a message that is not a list of frames');
  }
  return frames as unknown[][];
}

/** Looked at before parsing, so that nothing is allocated for a nest of brackets. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // a string: skip to its end
        i = endOfString(text, i);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > limit) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
    }
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i;
    if (code === 0x5c) i++;
  }
  return text.length;
}

/** Whether the text can hold neither a tag nor a forbidden key, so that the parsed JSON is it. */
function isPlainText(text: string): boolean {
  return !(
    text.includes('"$"') ||
    text.includes('\\u') ||
    text.includes('"__proto__"') ||
    text.includes('"constructor"') ||
    text.includes('"prototype"')
  );
}

/**
 * The sizes that runs tell are what their streams' credit is charged, so they must be true. That
 * costs a measurement only where much of the message was not told.
 */
function checkSizes(frames: unknown[][], length: number): void {
  let told = 0;
  for (const frame of frames) {
    if (frame[0] === FrameType.item) told += Number(frame[2]) + frame.length - FIRST_ITEM;
  }
  if (told > length) throw new ProtocolViolation('a run larger than its message');
  if (length - told < UNTOLD_LIMIT + 32 * frames.length) return;
  for (const frame of frames) if (frame[0] === FrameType.item) measure(frame);
}

/** A peer may escape more than JSON.stringify does, never half as much. */
function measure(frame: unknown[]): void {
  const size = JSON.stringify(frame.slice(FIRST_ITEM)).length - 1 - (frame.length - FIRST_ITEM);
  if (Number(frame[2]) * 2 < size) throw new ProtocolViolation('a run larger than it tells');
}
