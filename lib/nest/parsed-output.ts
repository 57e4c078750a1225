import { AT_REST } from '../stream/pump.js';
import { isStream, type PushOptions, toSource } from '../stream/source.js';
import { parseBy, type StandardSchema, sentences } from './standard-schema.js';

/** What a method that declares a schema gives its client: items that the schema has made. */
export interface OutputRules {
  readonly schema: StandardSchema;
  /** The method, for the sentence of a mistake. */
  readonly title: string;
}

/**
 * The result of a method, each of its items passed through the schema. `undefined` is sent as no
 * item, so it is not.
 */
export function parseOutput(result: unknown, rules: OutputRules, push: PushOptions): unknown {
  if (isThenable(result)) {
    return Promise.resolve(result).then((it) => parseOutput(it, rules, push));
  }
  if (!isStream(result)) return result === undefined ? undefined : parseItem(result, rules);
  // The handler's stream is begun by whoever reads, as it is without a schema.
  const begin = () => new ParsedOutput(toSource(result, push) as Source, rules);
  return { [Symbol.asyncIterator]: begin };
}

/** A mistake is the server's own: its client is told an id, and the log what is wrong. */
function parseItem(item: unknown, { schema, title }: OutputRules): unknown {
  return parseBy(schema, item, (issues) => {
    return new Error(`${title} gave an item that its schema refuses: ${sentences(issues)}`);
  });
}

type Source = NonNullable<ReturnType<typeof toSource>>;

/** A stream whose items are parsed one by one, as they are asked for. */
class ParsedOutput implements AsyncIterator<unknown, undefined> {
  readonly #source: Source;
  readonly #rules: OutputRules;

  constructor(source: Source, rules: OutputRules) {
    this.#source = source;
    this.#rules = rules;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const result = await this.#source.next();
    if (result.done === true) return { value: undefined, done: true };
    const value = parseItem(result.value, this.#rules);
    return { value: value instanceof Promise ? await value : value, done: false };
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    await this.#source.return?.();
    return { value: undefined, done: true };
  }

  /** Resolves when what stands behind the handler's stream is at rest. */
  async [AT_REST](): Promise<void> {
    await this.#source[AT_REST]?.();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
