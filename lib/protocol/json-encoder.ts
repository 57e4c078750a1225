import type { CodecLimits, FrameEncoder } from './codec.js';
import { FrameType } from './frames.js';
import { isPlain } from './json-plain.js';
import { JsonWriter } from './json-writer.js';
import type { ModelPort } from './model-port.js';
import { tooLarge } from './refused-values.js';
import { AnnouncedTypes } from './type-table.js';

/** Levels of a message that stand above a value: the message, the frame, the arguments. */
const OUTER_LEVELS = 3;

const NO_RUN = 0;

/** Gathers frames as JSON text: a message is an array of frames (PROTOCOL.md, section 5.1). */
export class JsonEncoder implements FrameEncoder {
  readonly #types = new AnnouncedTypes();
  readonly #writer: JsonWriter;
  readonly #depth: number;
  /** Pieces of the message that stand between commas: whole frames, or the parts of a run. */
  #parts: string[] = [];
  #run = NO_RUN;
  #runStart = 0;
  #runSize = 0;
  size = 0;
  maxFrameBytes = Number.POSITIVE_INFINITY;

  constructor(models: ModelPort, limits: CodecLimits) {
    this.#writer = new JsonWriter(models, this.#types);
    this.#depth = limits.depth - OUTER_LEVELS;
  }

  item(stream: number, item: unknown): number {
    const json = this.#stringify(item);
    if (this.#run !== stream) this.#beginRun(stream);
    this.#parts.push(json);
    this.#runSize += json.length;
    this.size += json.length + 1;
    return json.length;
  }

  frame(frame: readonly unknown[]): void {
    const json = this.#stringify(frame);
    this.#endRun();
    this.#parts.push(json);
    this.size += json.length + 1;
  }

  take(): string | undefined {
    this.#endRun();
    if (this.#parts.length === 0) return undefined;
    const body = this.#parts.join(',');
    this.#parts = [];
    this.size = 0;
    if (!this.#types.hasFresh) return `[${body}]`;
    return `[${JSON.stringify(this.#types.takeFrame())},${body}]`;
  }

  #stringify(value: unknown): string {
    const json = isPlain(value, this.#depth)
      ? JSON.stringify(value)
      : this.#writer.text(value, this.#depth);
    // A UTF-16 code unit takes three bytes at most, so short texts need no counting.
    if (json.length * 3 > this.maxFrameBytes && utf8Bytes(json) > this.maxFrameBytes) {
      throw tooLarge(this.maxFrameBytes);
    }
    return json;
  }

  /** A run's size is known at its end only, so its head is written then. */
  #beginRun(stream: number): void {
    this.#endRun();
    this.#run = stream;
    this.#runStart = this.#parts.length;
    this.#parts.push('');
  }

  #endRun(): void {
    if (this.#run === NO_RUN) return;
    this.#parts[this.#runStart] = `[${FrameType.item},${this.#run},${this.#runSize}`;
    this.#parts[this.#parts.length - 1] += ']';
    this.#run = NO_RUN;
    this.#runSize = 0;
  }
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
