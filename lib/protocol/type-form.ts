import { type FieldNames, namesOf } from './field-names.js';
import { TAG } from './json-tags.js';
import { isForbiddenKey } from './refused-values.js';

/** Fields of one class beyond this many have their JSON keys written anew each time. */
const MAX_PLACES = 64;

/**
 * How the instances of one type stand in the messages of this process: alike on all connections,
 * so that what was encoded for one of them fits the others.
 */
export class TypeForm {
  /** What an instance's JSON begins with. */
  readonly jsonHead: string;
  #names: FieldNames | null | undefined;
  readonly #keys: string[] = [];
  readonly #jsonKeys: string[] = [];

  /** `id` is the type's. */
  constructor(id: number) {
    this.jsonHead = `{"${TAG}":${id},"v":`;
  }

  /**
   * The fields whose values may stand by their places: those of the first instance that was asked
   * for. `null` where they can't be announced, `undefined` before anyone asked.
   */
  get names(): FieldNames | null | undefined {
    return this.#names;
  }

  /** The same, for an instance with these fields. */
  namesFor(fields: object): FieldNames | null {
    if (this.#names === undefined) this.#names = namesOf(fields) ?? null;
    return this.#names;
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
