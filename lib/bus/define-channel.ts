import {
  MessageCheck,
  type MessageClass,
  type MessageOf,
  type MessageType,
} from './message-type.js';

declare const MESSAGE: unique symbol;

/** What a channel keeps of its messages, for those who come late or come back. */
export interface ChannelHistory {
  /** How many messages are kept; a whole number from 1 to 1,000,000. */
  readonly size: number;
  /** How long a message is kept, in ms; a whole number from 1 to 2,147,483,647 (24 days). */
  readonly ttlMs: number;
}

export interface ChannelOptions {
  /** Makes the channel a replayable one. @default none: whoever isn't there misses a message */
  readonly history?: ChannelHistory | undefined;
}

/** What a channel is at run time. */
export interface ChannelDefinition extends ChannelOptions {
  readonly name: string;
  /** What its messages must be instances of. @default anything */
  readonly type?: MessageType | undefined;
}

/**
 * A channel with the type of its messages: made by `defineChannel()`, taken by all methods of the
 * bus in place of a name. It is plain data: define it once, in a file that all servers share.
 */
export interface Channel<T = unknown> extends ChannelDefinition {
  /** Nothing at run time. Who publishes and who subscribes must mean the same type. */
  readonly [MESSAGE]: (message: T) => T;
}

/**
 * Defines a channel of messages of a class, or of several: `defineChannel('pixel', () => Pixel)`.
 * Only their instances can be published; with a mere type, `defineChannel<Score>('score')`, the
 * compiler alone sees to it.
 *
 * @throws TypeError for an empty name, a type that is none, or a history that makes no sense.
 */
export function defineChannel<C extends MessageClass>(
  name: string,
  type: MessageType<C>,
  options?: ChannelOptions,
): Channel<MessageOf<C>>;
export function defineChannel<T = unknown>(name: string, options?: ChannelOptions): Channel<T>;
export function defineChannel(
  name: string,
  ...rest: [type?: MessageType | ChannelOptions, options?: ChannelOptions]
): Channel {
  checkName(name);
  const [first, second = {}] = rest;
  if (rest.length > 0 && !isTypeOrOptions(first)) throw new TypeError(`${title(name)}: ${NO_TYPE}`);
  const hasType = typeof first === 'function';
  const { history } = hasType ? second : (first ?? {});
  const channel: ChannelDefinition = {
    name,
    type: hasType ? first : undefined,
    history: history && toHistory(name, history),
  };
  return Object.freeze(channel) as Channel;
}

/**
 * What is meant by a channel.
 *
 * @throws TypeError for anything but a string that is not empty, or what `defineChannel()` gives.
 */
export function toDefinition(channel: string | ChannelDefinition): ChannelDefinition {
  const isDefined = typeof channel === 'object' && channel !== null;
  const definition = isDefined ? channel : { name: channel };
  checkName(definition.name);
  return definition;
}

/** Finds out whether messages are what their channels declare, with each type resolved once. */
export class ChannelTypes {
  readonly #checks = new WeakMap<ChannelDefinition, MessageCheck>();

  /** @throws TypeError for a message of another type than the channel's. */
  check(channel: ChannelDefinition, message: unknown): void {
    const check = this.#checkOf(channel);
    if (check !== undefined && !check.accepts(message))
      throw new TypeError(check.complaint(channel.name, message));
  }

  #checkOf(channel: ChannelDefinition): MessageCheck | undefined {
    if (channel.type === undefined) return undefined;
    const known = this.#checks.get(channel) ?? new MessageCheck(channel.type);
    this.#checks.set(channel, known);
    return known;
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string' || name === '')
    throw new TypeError(
      'A channel must be a string that is not empty, or made by defineChannel().',
    );
}

const NO_TYPE =
  'what follows its name must be a class, an arrow function that returns one or several, or ' +
  'options. A circular import may have left the class undefined; then the arrow function helps.';

function isTypeOrOptions(value: unknown): boolean {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

function toHistory(name: string, { size, ttlMs }: ChannelHistory): ChannelHistory {
  checkWhole(name, 'history.size', size, 1_000_000);
  checkWhole(name, 'history.ttlMs', ttlMs, 2 ** 31 - 1);
  return Object.freeze({ size, ttlMs });
}

function checkWhole(name: string, option: string, value: unknown, maximum: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= maximum) return;
  const range = `a whole number from 1 to ${maximum}`;
  throw new TypeError(`${title(name)}: ${option} must be ${range}, not ${String(value)}.`);
}

function title(name: string): string {
  return `The channel "${name}"`;
}
