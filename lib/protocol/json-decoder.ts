import type { CodecLimits, FrameDecoder, FrameReceiver } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import { JsonReviver } from './json-reviver.js';
import type { ModelPort } from './model-port.js';
import { StreamError } from './stream-error.js';
import { PeerTypes } from './type-table.js';
import { ProtocolViolation } from './violation.js';

/** How much of a run's text may be no item before the size it tells is measured. */
const UNTOLD_LIMIT = 64;

/** The message's array is the first level of its text, the frames' are the second. */
const FRAME_DEPTH = 2;

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
    const lengths = frameLengths(message, this.#depth);
    const frames = parse(message);
    checkSizes(frames, lengths);
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

function parse(text: string): unknown[][] {
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

/**
 * How long the text of each frame is. Looked at before parsing, so that nothing is allocated for a
 * nest of brackets.
 */
function frameLengths(text: string, maxDepth: number): number[] {
  const lengths: number[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // a string: skip to its end
        i = endOfString(text, i);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) throw new ProtocolViolation('a message that nests too deep');
        if (depth === FRAME_DEPTH) start = i;
        break;
      case 0x5d:
      case 0x7d:
        if (depth-- === FRAME_DEPTH) lengths.push(i + 1 - start);
    }
  }
  return lengths;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i;
    if (code === 0x5c) i++;
  }
  return text.length;
}

/** What a text must not hold if the parsed JSON is to be the value: a tag, a forbidden key. */
const SPECIAL = /"(?:\$|__proto__|constructor|prototype)"|\\u/;

function isPlainText(text: string): boolean {
  return !SPECIAL.test(text);
}

/**
 * The sizes that runs tell are what their streams' credit is charged, so they must be true: each by
 * itself, because one that tells too much could hide another.
 */
function checkSizes(frames: unknown[][], lengths: readonly number[]): void {
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i] as unknown[];
    if (frame[0] === FrameType.item) checkSize(frame, lengths[i] as number);
  }
}

/** A measurement costs as much as parsing, so it is made only where much was not told. */
function checkSize(frame: unknown[], length: number): void {
  const told = frame[2];
  if (typeof told !== 'number') throw new ProtocolViolation('a run that tells no size');
  if (told > length) throw new ProtocolViolation('a run smaller than it tells');
  const items = frame.length - FIRST_ITEM;
  if (length - told <= UNTOLD_LIMIT + items) return;
  const size = JSON.stringify(frame.slice(FIRST_ITEM)).length - 1 - items;
  // A peer may escape more than JSON.stringify does, never half as much.
  if (told * 2 < size) throw new ProtocolViolation('a run larger than it tells');
}
