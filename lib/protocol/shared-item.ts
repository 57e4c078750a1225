import type { ModelType, TypeLookup } from './model-type.js';
import { isSameTarget, type RunTarget } from './shared-runs.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';

/** An item as one codec writes it on every connection. */
export class SharedEncoding<Body extends string | Uint8Array> {
  readonly body: Body;
  /** The types it uses; a connection announces them before it. */
  readonly types: readonly ModelType[];
  #target: RunTarget = 0;
  #message: Body | undefined;

  constructor(body: Body, types: readonly ModelType[]) {
    this.body = body;
    this.types = types;
  }

  /** The whole message that holds nothing but this item, for these streams; if it was kept. */
  messageFor(target: RunTarget): Body | undefined {
    return isSameTarget(this.#target, target) ? this.#message : undefined;
  }

  /** Keeps that message for other connections: clients of one kind number their calls alike. */
  keep(target: RunTarget, message: Body): void {
    this.#target = target;
    this.#message = message;
  }
}

/**
 * What a process keeps of one item that goes to many streams, for as long as the item lives: what
 * each codec made of it, and what it was like then, because whoever sends it may change it before.
 */
export class SharedItem {
  json: SharedEncoding<string> | undefined;
  msgpack: SharedEncoding<Uint8Array> | undefined;
  #snapshot: Snapshot | undefined;
  #isRefused = false;

  /**
   * Whether the encodings are those of the item as it is now; of an item that was changed they are
   * forgotten. False for one that must be encoded anew each time.
   */
  isUpToDate(item: object, models: TypeLookup): boolean {
    if (this.#snapshot?.isOf(item) === true) return true;
    if (this.#isRefused) return false;
    this.json = undefined;
    this.msgpack = undefined;
    this.#snapshot = takeSnapshot(item, models);
    this.#isRefused = this.#snapshot === undefined;
    return !this.#isRefused;
  }
}
