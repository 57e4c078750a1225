import type { CodecLimits } from './codec.js';
import { type FieldNames, isFieldNames, MAX_ALL_NAMES } from './field-names.js';
import { FrameType } from './frames.js';
import type { FromValues, ModelPort, ModelType } from './model-port.js';
import { StreamError } from './stream-error.js';
import { ProtocolViolation } from './violation.js';

/** The types this side has announced on one connection, and those still to be. */
export class AnnouncedTypes {
  /** By their numbers, with the names of fields that were announced with them. */
  readonly #known = new Map<number, FieldNames | null>();
  #fresh: (readonly unknown[])[] = [];
  /** Whether there are any still to be. */
  hasFresh = false;
  #namesLeft = MAX_ALL_NAMES;
  #used: Set<ModelType> | undefined;

  /**
   * Notes that an instance of this type is about to be sent, with these fields. Gives those whose
   * values may stand by their places; `null` where none were announced.
   */
  use(type: ModelType, fields: object): FieldNames | null {
    this.#used?.add(type);
    const known = this.#known.get(type.id);
    if (known !== undefined) return known;
    return this.#announce(type, type.form.namesFor(fields));
  }

  /**
   * Notes that what another connection encoded is about to be sent, with instances of these types.
   * False when their fields stand otherwise here, so that it doesn't mean the same.
   */
  useAll(types: readonly ModelType[]): boolean {
    for (const type of types) {
      const names = type.form.names ?? null;
      if ((this.#known.get(type.id) ?? this.#announce(type, names)) !== names) return false;
    }
    return true;
  }

  /** The types that `encode` uses. */
  usedBy(encode: () => void): ModelType[] {
    const used = new Set<ModelType>();
    this.#used = used;
    try {
      encode();
    } finally {
      this.#used = undefined;
    }
    return [...used];
  }

  /** The frame that announces the new ones; it must stand before the frames that use them. */
  takeFrame(): readonly unknown[] {
    const frame = [FrameType.types, this.#fresh];
    this.#fresh = [];
    this.hasFresh = false;
    return frame;
  }

  #announce({ id, name }: ModelType, names: FieldNames | null): FieldNames | null {
    const told = names !== null && names.length <= this.#namesLeft ? names : null;
    this.#known.set(id, told);
    this.#namesLeft -= told?.length ?? 0;
    this.hasFresh = true;
    this.#fresh.push(told === null ? [id, name] : [id, name, told]);
    return told;
  }
}

/** A type the peer has announced, and makes its instances. */
export class PeerType {
  #fromValues: FromValues | undefined;

  constructor(
    readonly name: string,
    readonly names: FieldNames | undefined,
    private readonly model: ModelType | undefined,
    private readonly remedy: string | undefined,
  ) {}

  /** @throws StreamError `invalid-argument` for a name that isn't registered on this side. */
  check(): ModelType {
    if (this.model !== undefined) return this.model;
    const message = `The type "${this.name}" is not registered on this side`;
    const what = this.remedy === undefined ? '' : `: ${this.remedy}`;
    throw new StreamError('invalid-argument', `${message}${what}.`);
  }

  fromFields(fields: Readonly<Record<string, unknown>>): object {
    return this.check().fromFields(fields);
  }

  /** Of the values of its `names`. */
  fromValues(values: readonly unknown[]): object {
    this.#fromValues ??= this.#createFromValues(this.check(), this.names ?? []);
    return this.#fromValues(values);
  }

  #createFromValues(model: ModelType, names: FieldNames): FromValues {
    const made = model.fromValues?.(names);
    return made ?? ((values) => model.fromFields(toFields(names, values)));
  }
}

function toFields(names: FieldNames, values: readonly unknown[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) fields[names[i] as string] = values[i];
  return fields;
}

/** The type names the peer has announced on one connection. */
export class PeerTypes {
  readonly #types = new Map<unknown, PeerType>();
  #namesLeft = MAX_ALL_NAMES;

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
   */
  get(id: unknown): PeerType {
    const type = this.#types.get(id);
    if (type === undefined) throw new ProtocolViolation('a type that was not announced');
    return type;
  }

  #add(entry: unknown): void {
    const [id, name, names]: unknown[] = Array.isArray(entry) ? entry : [];
    if (!Number.isSafeInteger(id) || typeof name !== 'string' || name.length > 256) {
      throw new ProtocolViolation('a types frame of a wrong shape');
    }
    const model = this.models.typeNamed(name);
    this.#types.set(id, new PeerType(name, this.#checkNames(names), model, this.models.remedy));
    if (this.#types.size > this.limits.types) throw new ProtocolViolation('too many types');
  }

  #checkNames(names: unknown): FieldNames | undefined {
    if (names === undefined) return undefined;
    if (!isFieldNames(names)) throw new ProtocolViolation('fields of a wrong shape');
    this.#namesLeft -= names.length;
    if (this.#namesLeft < 0) throw new ProtocolViolation('too many fields');
    return names;
  }
}
