import { type FrameEncoder, NO_LIMIT } from './codec.js';
import type { ModelPort } from './model-port.js';
import type { ModelType } from './model-type.js';
import { SharedEncoding, type SharedItem } from './shared-item.js';
import { isNext, joined, type RunTarget, SharedRuns } from './shared-runs.js';
import { AnnouncedTypes } from './type-table.js';

const NONE = 0;

/**
 * What both codecs do alike: an item that goes to many streams is encoded once for all connections,
 * and sent once for all streams of a connection. Who extends it writes what is not shared.
 */
export abstract class SharingEncoder<Body extends string | Uint8Array> implements FrameEncoder {
  // What an item needs of it stands first and lies near together: of a thousand connections' memory
  // nothing is in the processor's caches when their turn comes.
  /** About how many bytes were written, without those of shared items. */
  protected ownSize = 0;
  #sharedSize = 0;
  /** The only shared item, as most messages have it. Where there are more, all stand in `#runs`. */
  #only: SharedEncoding<Body> | undefined;
  #onlyTarget: RunTarget = NONE;
  maxFrameBytes = NO_LIMIT;
  protected readonly models: ModelPort;
  protected readonly types = new AnnouncedTypes();
  #runs: SharedRuns<SharedEncoding<Body>> | undefined;

  constructor(models: ModelPort) {
    this.models = models;
  }

  get size(): number {
    return this.ownSize + this.#sharedSize;
  }

  item(stream: number, item: unknown): number {
    const shared = this.#sharedEncoding(item);
    return shared === undefined ? this.ownItem(stream, item) : this.#share(stream, shared);
  }

  abstract frame(frame: readonly unknown[]): void;

  take(): Body | undefined {
    const only = this.#only;
    if (only !== undefined && this.ownSize === 0 && !this.#mustAnnounce(only)) {
      return this.#takeOnly(only);
    }
    this.endShared();
    return this.gathered();
  }

  /** What a stream's number adds to a run that stands there already, about. */
  protected abstract readonly joinedSize: number;

  /** Writes an item that goes to this stream alone; returns its size. */
  protected abstract ownItem(stream: number, item: unknown): number;

  /** Writes an item that is encoded already to the run of these streams. */
  protected abstract append(target: RunTarget, body: Body): void;

  /** The message of what was written, with the types it announces. */
  protected abstract gathered(): Body | undefined;

  /** Encodes an item for all connections. */
  protected abstract encode(item: object): Body;

  /** Whether an item of this encoding is small enough for the peer. */
  protected abstract fits(body: Body): boolean;

  /** What this codec made of the item before. */
  protected abstract kept(item: SharedItem): SharedEncoding<Body> | undefined;

  protected abstract keep(item: SharedItem, encoding: SharedEncoding<Body>): void;

  /** What is written next must not overtake shared items. */
  protected endShared(): void {
    if (this.#sharedSize === 0) return;
    this.#sharedSize = 0;
    const only = this.#only;
    this.#only = undefined;
    if (only !== undefined) this.append(this.#onlyTarget, only.body);
    else this.#runs?.drain((target, { body }) => this.append(target, body));
  }

  /** Where nothing else stands, the message is the same for all connections of its kind. */
  #takeOnly(only: SharedEncoding<Body>): Body | undefined {
    const kept = only.messageFor(this.#onlyTarget);
    if (kept === undefined) return this.#gatherOnly(only);
    this.#only = undefined;
    this.#sharedSize = 0;
    return kept;
  }

  #gatherOnly(only: SharedEncoding<Body>): Body | undefined {
    const announces = this.types.hasFresh;
    this.endShared();
    const message = this.gathered();
    if (message !== undefined && !announces) only.keep(this.#onlyTarget, message);
    return message;
  }

  /** What has no types is looked at no further: nothing of it was announced. */
  #mustAnnounce({ types }: SharedEncoding<Body>): boolean {
    return types.length > 0 && this.types.hasFresh;
  }

  /** What stands for an item on all connections, if it is one that goes to many streams. */
  #sharedEncoding(item: unknown): SharedEncoding<Body> | undefined {
    if (typeof item !== 'object' || item === null) return undefined;
    const shared = this.models.sharedItem?.(item);
    if (shared?.isUpToDate(item, this.models) !== true) return undefined;
    const encoding = this.kept(shared) ?? this.#encodeShared(item);
    // Where fields stand otherwise than on other connections, the item is encoded for here alone.
    if (!this.fits(encoding.body)) return undefined;
    if (encoding.types.length > 0 && !this.types.useAll(encoding.types)) return undefined;
    this.keep(shared, encoding);
    return encoding;
  }

  #encodeShared(item: object): SharedEncoding<Body> {
    let body: Body | undefined;
    const types: ModelType[] = this.types.usedBy(() => {
      body = this.encode(item);
    });
    return new SharedEncoding(body as Body, types);
  }

  #share(stream: number, encoding: SharedEncoding<Body>): number {
    const { length } = encoding.body;
    this.#sharedSize += this.#add(stream, encoding) ? this.joinedSize : length + this.joinedSize;
    return length;
  }

  /** Tells whether the item stood here already. */
  #add(stream: number, encoding: SharedEncoding<Body>): boolean {
    if (this.#sharedSize === 0) {
      this.#only = encoding;
      this.#onlyTarget = stream;
      return false;
    }
    if (this.#only === encoding && isNext(stream, this.#onlyTarget)) {
      this.#onlyTarget = joined(this.#onlyTarget, stream);
      return true;
    }
    return this.#allRuns().add(stream, encoding);
  }

  #allRuns(): SharedRuns<SharedEncoding<Body>> {
    this.#runs ??= new SharedRuns();
    if (this.#only !== undefined) {
      const target = this.#onlyTarget;
      const streams = typeof target === 'number' ? [target] : target;
      for (const stream of streams) this.#runs.add(stream, this.#only);
      this.#only = undefined;
    }
    return this.#runs;
  }
}
