import type { CodecLimits } from './codec.js';
import { type FieldNames, isFieldNames, MAX_ALL_NAMES, namesOf } from './field-names.js';
import { FrameType } from './frames.js';
import { TAG } from './json-tags.js';
import type { FromValues, ModelPort, ModelType } from './model-port.js';
import { isForbiddenKey } from './refused-values.js';
import { StreamError } from './stream-error.js';
import { ProtocolViolation } from './violation.js';

/** Fields of one class beyond this many have their JSON keys written anew each time. */
const MAX_PLACES = 64;

/** A type this side has announced on one connection, and how its fields stand there. */
export class AnnouncedType {
  /** The fields whose values may stand by their places; `undefined` where none were announced. */
  readonly names: FieldNames | undefined;
  /** What an instance's JSON begins with. */
  readonly jsonHead: string;
  readonly #keys: string[] = [];
  readonly #jsonKeys: string[] = [];

  constructor(id: number, names: FieldNames | undefined) {
    this.names = names;
    this.jsonHead = `{"${TAG}":${id},"v":{`;
  }

  /** The JSON that stands before the value of the field with this place. */
  jsonKey(key: string, place: number): string {
    return this.#keys[place] === key ? (this.#jsonKeys[place] as string) : this.#learn(key, place);
  }

  /** The last instance's fields are the likeliest to come again. */
  #learn(key: string, place: number): string {
    if (isForbiddenKey(key)) throw new TypeError(`A key "${key}" can't be sent.`);
    const text = `${place === 0 ? '' : ','}${JSON.stringify(key)}:`;
    if (place >= MAX_PLACES) return text;
    this.#keys[place] = key;
    this.#jsonKeys[place] = text;
    return text;
  }
}

/** The type names this side has announced on one connection, and those still to be. */
export class AnnouncedTypes {
  readonly #known = new Map<number, AnnouncedType>();
  #fresh: (readonly unknown[])[] = [];
  #namesLeft = MAX_ALL_NAMES;

  /** Notes that a value of this type is about to be sent. */
  use(type: ModelType): AnnouncedType {
    return this.#known.get(type.id) ?? this.#announce(type, undefined);
  }

  /** The same, where the fields' names are announced, too: those of the first instance. */
  useWithNames(type: ModelType, fields: object): AnnouncedType {
    return this.#known.get(type.id) ?? this.#announce(type, namesOf(fields, this.#namesLeft));
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

  #announce({ id, name }: ModelType, names: FieldNames | undefined): AnnouncedType {
    const type = new AnnouncedType(id, names);
    this.#known.set(id, type);
    this.#namesLeft -= names?.length ?? 0;
    this.#fresh.push(names === undefined ? [id, name] : [id, name, names]);
    return type;
  }
}

/** A type the peer has announced, and makes its instances. */
export class PeerType {
  #fromValues: FromValues | undefined;

  constructor(
    readonly name: string,
    readonly names: FieldNames | undefined,
    private readonly model: ModelType | undefined,
  ) {}

  /** @throws StreamError `invalid-argument` for a name that isn't registered on this side. */
  check(): ModelType {
    if (this.model !== undefined) return this.model;
    const message = `The type "${this.name}" is not registered on this side.`;
    throw new StreamError('invalid-argument', message);
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
    this.#types.set(id, new PeerType(name, this.#checkNames(names), this.models.typeNamed(name)));
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
