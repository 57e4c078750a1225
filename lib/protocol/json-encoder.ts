import { type CodecLimits, type FrameEncoder, NO_LIMIT } from './codec.js';
import { FrameType } from './frames.js';
import { isPlain } from './json-plain.js';
import { JsonWriter } from './json-writer.js';
import type { ModelPort } from './model-port.js';
import { tooLarge } from './refused-values.js';
import { SharedEncoding } from './shared-item.js';
import { isSameTarget, type RunTarget, SharedRuns } from './shared-runs.js';
import { AnnouncedTypes } from './type-table.js';

/** Levels of a message that stand above a value: the message, the frame, the arguments. */
const OUTER_LEVELS = 3;

const NO_RUN = 0;

/** What a stream's number adds to a run that stands there already, about. */
const JOINED_SIZE = 8;

/** Gathers frames as JSON text: a message is an array of frames (PROTOCOL.md, section 5.1). */
export class JsonEncoder implements FrameEncoder {
  readonly #types = new AnnouncedTypes();
  readonly #models: ModelPort;
  readonly #writer: JsonWriter;
  readonly #depth: number;
  /** Pieces of the message that stand between commas: whole frames, or the parts of a run. */
  #parts: string[] = [];
  #run: RunTarget = NO_RUN;
  #runStart = 0;
  #runSize = 0;
  #partsSize = 0;
  readonly #shared = new SharedRuns<SharedEncoding<string>>();
  #sharedSize = 0;
  maxFrameBytes = NO_LIMIT;

  constructor(models: ModelPort, limits: CodecLimits) {
    this.#models = models;
    this.#writer = new JsonWriter(models, this.#types);
    this.#depth = limits.depth - OUTER_LEVELS;
  }

  get size(): number {
    return this.#partsSize + this.#sharedSize;
  }

  item(stream: number, item: unknown): number {
    const shared = this.#sharedEncoding(item);
    if (shared !== undefined) return this.#share(stream, shared);
    const json = this.#stringify(item);
    this.#endShared();
    this.#append(stream, json);
    return json.length;
  }

  frame(frame: readonly unknown[]): void {
    const json = this.#stringify(frame);
    this.#endShared();
    this.#endRun();
    this.#parts.push(json);
    this.#partsSize += json.length + 1;
  }

  take(): string | undefined {
    const only = this.#partsSize === 0 && !this.#types.hasFresh ? this.#shared.only : undefined;
    const message = only?.messageFor(this.#shared.firstTarget) ?? this.#gathered(only);
    this.#shared.clear();
    this.#sharedSize = 0;
    return message;
  }

  /** What stands for an item on all connections, if it is one that goes to many streams. */
  #sharedEncoding(item: unknown): SharedEncoding<string> | undefined {
    if (typeof item !== 'object' || item === null) return undefined;
    const shared = this.#models.sharedItem?.(item);
    if (shared?.isUpToDate(item, this.#models) !== true) return undefined;
    const encoding = shared.json ?? this.#encodeShared(item);
    // Where fields stand otherwise than on other connections, the item is encoded for here alone.
    if (encoding.body.length * 3 > this.maxFrameBytes) return undefined;
    if (encoding.types.length > 0 && !this.#types.useAll(encoding.types)) return undefined;
    shared.json = encoding;
    return encoding;
  }

  #encodeShared(item: object): SharedEncoding<string> {
    let body = '';
    const types = this.#types.usedBy(() => {
      body = this.#stringify(item);
    });
    return new SharedEncoding(body, types);
  }

  #share(stream: number, encoding: SharedEncoding<string>): number {
    const { length } = encoding.body;
    this.#sharedSize += this.#shared.add(stream, encoding) ? JOINED_SIZE : length + 1;
    return length;
  }

  /** What stands behind shared items must not overtake them. */
  #endShared(): void {
    if (this.#sharedSize === 0) return;
    this.#sharedSize = 0;
    this.#shared.drain((target, { body }) => this.#append(target, body));
  }

  #gathered(only: SharedEncoding<string> | undefined): string | undefined {
    const target = this.#shared.firstTarget;
    this.#endShared();
    this.#endRun();
    if (this.#partsSize === 0) return undefined;
    const body = this.#parts.join(',');
    this.#parts = [];
    this.#partsSize = 0;
    const message = this.#types.hasFresh
      ? `[${JSON.stringify(this.#types.takeFrame())},${body}]`
      : `[${body}]`;
    only?.keep(target, message);
    return message;
  }

  #append(target: RunTarget, json: string): void {
    if (!isSameTarget(this.#run, target)) this.#beginRun(target);
    this.#parts.push(json);
    this.#partsSize += json.length + 1;
    this.#runSize += json.length;
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
  #beginRun(target: RunTarget): void {
    this.#endRun();
    this.#run = target;
    this.#runStart = this.#parts.length;
    this.#parts.push('');
  }

  #endRun(): void {
    if (this.#run === NO_RUN) return;
    const target = typeof this.#run === 'number' ? this.#run : `[${this.#run}]`;
    this.#parts[this.#runStart] = `[${FrameType.item},${target},${this.#runSize}`;
    this.#parts[this.#parts.length - 1] += ']';
    this.#run = NO_RUN;
    this.#runSize = 0;
  }
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
