import type { CodecLimits, FrameDecoder, FrameReceiver } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import { JsonReviver } from './json-reviver.js';
import { isListed, listedStreams } from './listed-streams.js';
import type { ModelPort } from './model-port.js';
import { StreamError } from './stream-error.js';
import { PeerTypes } from './type-table.js';
import { cutUnreadable } from './unreadable.js';
import { ProtocolViolation } from './violation.js';

/** How much of a run's text may be no item before the size it tells is measured. */
const UNTOLD_LIMIT = 64;

/** The characters of the largest number of a stream, and a comma. */
const LONGEST_NUMBER = 17;

/** The message's array is the first level of its text, the frames' are the second. */
const FRAME_DEPTH = 2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{`, and `]` and `}`, differ in this bit only, which is set here. */
const OPENING = 0x7b;
const CLOSING = 0x7d;
const SMALLEST_BRACKET = 0x5b;

/** Takes messages of JSON text apart (PROTOCOL.md, section 5.1). */
export class JsonDecoder implements FrameDecoder {
  readonly #types: PeerTypes;
  readonly #reviver: JsonReviver;
  readonly #depth: number;
  readonly #mayList: boolean;

  /** `mayList` where the peer may send one run to a list of streams. */
  constructor(models: ModelPort, limits: CodecLimits, mayList: boolean) {
    this.#mayList = mayList;
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
      else if (isListed(frame)) this.#toEach(frame, plain, each);
      else each(frame, plain ? undefined : this.#revive(frame));
    }
  }

  /** One frame for each stream of the list, with items of its own. */
  #toEach(frame: unknown[], plain: boolean, each: FrameReceiver): void {
    const streams = listedStreams(frame, this.#mayList);
    const json = JSON.stringify(frame);
    for (const [i, stream] of streams.entries()) {
      const own = i === 0 ? frame : (JSON.parse(json) as unknown[]);
      own[1] = stream;
      each(own, plain ? undefined : this.#revive(own));
    }
  }

  #revive(frame: unknown[]): StreamError | undefined {
    for (let at = 0; at < frame.length; at++) {
      const problem = this.#reviveAt(frame, at);
      if (problem === undefined) continue;
      cutUnreadable(frame, at);
      return problem;
    }
    return undefined;
  }

  #reviveAt(frame: unknown[], at: number): StreamError | undefined {
    if (typeof frame[at] !== 'object') return undefined;
    try {
      frame[at] = this.#reviver.revive(frame[at]);
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
    const code = text.charCodeAt(i);
    if (code < SMALLEST_BRACKET) {
      if (code === QUOTE) i = endOfString(text, i + 1);
    } else if ((code | 0x20) === OPENING) {
      if (++depth > maxDepth) throw new ProtocolViolation('a message that nests too deep');
      if (depth === FRAME_DEPTH) start = i;
    } else if ((code | 0x20) === CLOSING && depth-- === FRAME_DEPTH) lengths.push(i + 1 - start);
  }
  return lengths;
}

/** Where the string ends whose text begins at `from`. */
function endOfString(text: string, from: number): number {
  let quote = text.indexOf('"', from);
  while (quote >= 0 && isEscaped(text, from, quote)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote;
}

function isEscaped(text: string, from: number, quote: number): boolean {
  let start = quote;
  while (start > from && text.charCodeAt(start - 1) === BACKSLASH) start--;
  return (quote - start) % 2 === 1;
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
  const streams = Array.isArray(frame[1]) ? frame[1].length * LONGEST_NUMBER : 0;
  if (length - told <= UNTOLD_LIMIT + items + streams) return;
  const size = JSON.stringify(frame.slice(FIRST_ITEM)).length - 1 - items;
  // A peer may escape more than JSON.stringify does, never half as much.
  if (told * 2 < size) throw new ProtocolViolation('a run larger than it tells');
}
