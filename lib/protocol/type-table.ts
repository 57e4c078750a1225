import type { CodecLimits } from './codec.js';
import { FrameType } from './frames.js';
import type { ModelPort, ModelType } from './model-port.js';
import { StreamError } from './stream-error.js';
import { ProtocolViolation } from './violation.js';

/** The type names this side has announced on one connection, and those still to be. */
export class AnnouncedTypes {
  readonly #known = new Set<number>();
  #fresh: [id: number, name: string][] = [];

  /** Notes that a value of this type is about to be sent. */
  use(type: ModelType): void {
    if (this.#known.has(type.id)) return;
    this.#known.add(type.id);
    this.#fresh.push([type.id, type.name]);
  }

  get hasFresh(): boolean {
    return this.#fresh.length > 0;
  }

  /** The frame that announces the new ones; it must stand before the frames that use them. */
  takeFrame(): readonly unknown[] {
    const frame = [FrameType.types, this.#fresh];
    this.#fresh = [];
    return frame;
  }
}

/** The type names the peer has announced on one connection. */
export class PeerTypes {
  readonly #names = new Map<number, string>();
  readonly #types = new Map<number, ModelType>();

  constructor(
    private readonly models: ModelPort,
    private readonly limits: CodecLimits,
  ) {}

  /**
   * Takes in a `types` frame.
   *
   * @throws ProtocolViolation for one of a wrong shape, or over the limit.
   */
  announce(frame: unknown[]): void {
    const entries: unknown = frame[1];
    if (!Array.isArray(entries)) throw new ProtocolViolation('a types frame without types');
    for (const entry of entries) this.#add(entry);
  }

  /**
   * The type a value names.
   *
   * @throws ProtocolViolation for an id that was never announced.
   * @throws StreamError `invalid-argument` for a name that isn't registered on this side.
   */
  get(id: unknown): ModelType {
    const type = this.#types.get(id as number);
    if (type !== undefined) return type;
    const name = this.#names.get(id as number);
    if (name === undefined) throw new ProtocolViolation('a type that was not announced');
    throw new StreamError('invalid-argument', `The type "${name}" is not registered on this side.`);
  }

  #add(entry: unknown): void {
    const [id, name]: unknown[] = Array.isArray(entry) ? entry : [];
    if (!Number.isSafeInteger(id) || typeof name !== 'string' || name.length > 256) {
      throw new ProtocolViolation('a types frame of a wrong shape');
    }
    this.#names.set(id as number, name);
    if (this.#names.size > this.limits.types) throw new ProtocolViolation('too many types');
    const type = this.models.typeNamed(name);
    if (type === undefined) this.#types.delete(id as number);
    else this.#types.set(id as number, type);
  }
}
