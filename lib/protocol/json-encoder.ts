import type { CodecLimits } from './codec.js';
import { FrameType } from './frames.js';
import { isPlain } from './json-plain.js';
import { JsonWriter } from './json-writer.js';
import type { ModelPort } from './model-port.js';
import { tooLarge } from './refused-values.js';
import type { SharedEncoding, SharedItem } from './shared-item.js';
import { isSameTarget, type RunTarget } from './shared-runs.js';
import { SharingEncoder } from './sharing-encoder.js';

/** Levels of a message that stand above a value: the message, the frame, the arguments. */
const OUTER_LEVELS = 3;

const NO_RUN = 0;

/** What a stream's number adds to a run that stands there already, about. */
const JOINED_SIZE = 8;

/** What a run takes beside its items, about. */
const RUN_SIZE = 16;

/** Gathers frames as JSON text: a message is an array of frames (PROTOCOL.md, section 5.1). */
export class JsonEncoder extends SharingEncoder<string> {
  readonly #writer: JsonWriter;
  readonly #depth: number;
  /** Pieces of the message that stand between commas: whole frames, or the parts of a run. */
  #parts: string[] = [];
  #run: RunTarget = NO_RUN;
  #runStart = 0;
  #runSize = 0;

  constructor(models: ModelPort, limits: CodecLimits) {
    super(models);
    this.#writer = new JsonWriter(models, this.types);
    this.#depth = limits.depth - OUTER_LEVELS;
  }

  frame(frame: readonly unknown[]): void {
    const json = this.#stringify(frame);
    this.endShared();
    this.#endRun();
    this.#parts.push(json);
    this.ownSize += json.length + 1;
  }

  protected get joinedSize(): number {
    return JOINED_SIZE;
  }

  protected ownItem(stream: number, item: unknown): number {
    const json = this.#stringify(item);
    this.endShared();
    this.append(stream, json);
    return json.length;
  }

  protected encode(item: object): string {
    return this.#stringify(item);
  }

  protected fits(body: string): boolean {
    return body.length * 3 <= this.maxFrameBytes;
  }

  protected kept({ json }: SharedItem): SharedEncoding<string> | undefined {
    return json;
  }

  protected keep(item: SharedItem, encoding: SharedEncoding<string>): void {
    item.json = encoding;
  }

  protected gathered(): string | undefined {
    this.#endRun();
    if (this.ownSize === 0) return undefined;
    const body = this.#parts.join(',');
    this.#parts = [];
    this.ownSize = 0;
    return this.types.hasFresh
      ? `[${JSON.stringify(this.types.takeFrame())},${body}]`
      : `[${body}]`;
  }

  protected append(target: RunTarget, json: string): void {
    if (!isSameTarget(this.#run, target)) this.#beginRun(target);
    this.#parts.push(json);
    this.ownSize += json.length + 1;
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
    this.ownSize += RUN_SIZE;
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
