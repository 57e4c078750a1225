import type { StreamError } from './stream-error.js';
import { ProtocolViolation } from './violation.js';

/** The first element of every frame (PROTOCOL.md, section 4). */
export const FrameType = {
  hello: 0,
  welcome: 1,
  open: 2,
  opened: 3,
  item: 4,
  end: 5,
  error: 6,
  cancel: 7,
  credit: 8,
  types: 9,
  ping: 10,
  pong: 11,
  drain: 12,
  credentials: 13,
} as const;

/** Where the items begin in an item frame: `[type, stream, size, item, item, ...]`. */
export const FIRST_ITEM = 3;

/** What a receiver allows the writer of each new stream to send before it hears of more. */
export interface Credit {
  /** How many items. */
  readonly items: number;
  /** How many bytes of items; the last item may exceed it. */
  readonly bytes: number;
}

/** What `opened` tells of a method's result: a stream, or the one value of a promise. */
export type OutputKind = 'stream' | 'value';

/** The error of a call or an input as it stands in an error frame. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
  readonly id?: string;
  /** The user's own exception, as a model. */
  readonly exception?: unknown;
}

export type Frame = readonly [type: number, ...rest: unknown[]];

/**
 * What a side does with each frame it can receive. Called by {@link dispatchFrame} with checked
 * arguments, in the order of arrival. A method may throw {@link ProtocolViolation}.
 */
export interface FrameHandler {
  /** client to server */
  hello?(credit: Credit, credentials: string | null): void;
  /** server to client */
  welcome?(connectionId: string, credit: Credit, messageBytes: number): void;
  /** client to server. `problem` tells why the arguments could not be read. */
  open?(
    id: number,
    method: string,
    args: unknown[],
    inputs: readonly number[],
    problem: StreamError | undefined,
  ): void;
  /** server to client */
  opened?(id: number, kind: OutputKind): void;
  /** both. The items are `frame[FIRST_ITEM]` and what follows. */
  item(stream: number, size: number, frame: unknown[]): void;
  /** both. An item could not be read: behind `item` for those of its run that stand before it. */
  unreadable(stream: number, problem: StreamError): void;
  /** both */
  end(stream: number): void;
  /** both. `problem` tells why its data or exception could not be read. */
  error(stream: number, body: ErrorBody, problem: StreamError | undefined): void;
  /** both */
  cancel(stream: number): void;
  /** both */
  credit(stream: number, credit: Credit): void;
  /** server to client */
  drain?(): void;
  /** client to server: new credentials. Server to client: `null`, please present fresh ones. */
  credentials(credentials: string | null): void;
}

/**
 * Checks a decoded frame and calls the handler's method for it.
 *
 * @throws ProtocolViolation for a frame that has not the shape PROTOCOL.md gives it, or that this
 * side doesn't receive.
 */
export function dispatchFrame(
  frame: unknown[],
  problem: StreamError | undefined,
  to: FrameHandler,
): void {
  switch (frame[0]) {
    case FrameType.item:
      return dispatchItem(frame, problem, to);
    case FrameType.credit:
      return to.credit(id(frame[1]), { items: count(frame[2]), bytes: count(frame[3]) });
    case FrameType.end:
      return to.end(id(frame[1]));
    case FrameType.open:
      return allowed(to.open, 'open').call(
        to,
        id(frame[1]),
        text(frame[2]),
        list(frame[3]),
        inputs(frame[4], frame[3], frame[1] as number),
        problem,
      );
    case FrameType.opened:
      return allowed(to.opened, 'opened').call(to, id(frame[1]), kind(frame[2]));
    case FrameType.error:
      return to.error(id(frame[1]), errorBody(frame[2]), problem);
    case FrameType.cancel:
      return to.cancel(id(frame[1]));
    case FrameType.hello:
      return allowed(to.hello, 'hello').call(to, credit(frame[1]), secret(frame[2]));
    case FrameType.welcome:
      return allowed(to.welcome, 'welcome').call(
        to,
        text(frame[1]),
        credit(frame[2]),
        id(frame[3]),
      );
    case FrameType.drain:
      return allowed(to.drain, 'drain').call(to);
    case FrameType.credentials:
      return to.credentials(secret(frame[1]));
    default:
      throw new ProtocolViolation('a frame of an unknown type');
  }
}

function dispatchItem(frame: unknown[], problem: StreamError | undefined, to: FrameHandler): void {
  const stream = id(frame[1]);
  const size = count(frame[2]);
  const hasItems = frame.length > FIRST_ITEM;
  if (!hasItems && problem === undefined)
    throw new ProtocolViolation('an item frame without items');
  if (hasItems) to.item(stream, size, frame);
  if (problem !== undefined) to.unreadable(stream, problem);
}

function allowed<F>(method: F | undefined, name: string): F {
  if (method === undefined) throw new ProtocolViolation(`${name} goes the other way`);
  return method;
}

function count(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new ProtocolViolation('a frame with a number missing or out of range');
}

function id(value: unknown): number {
  const number = count(value);
  if (number > 0) return number;
  throw new ProtocolViolation('an id that is not above zero');
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new ProtocolViolation('a frame with a text missing');
}

function secret(value: unknown): string | null {
  if (value === null || value === undefined || typeof value === 'string') return value ?? null;
  throw new ProtocolViolation('credentials that are not a text');
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new ProtocolViolation('a frame with a list missing');
}

function credit(value: unknown): Credit {
  const pair = list(value);
  const items = count(pair[0]);
  const bytes = count(pair[1]);
  if (items === 0 || bytes === 0) throw new ProtocolViolation('a first credit of nothing');
  return { items, bytes };
}

function kind(value: unknown): OutputKind {
  if (value === 'stream' || value === 'value') return value;
  throw new ProtocolViolation('an opened frame of an unknown kind');
}

/** The places of the inputs among the arguments: growing, and each of them an argument's. */
function inputs(value: unknown, args: unknown, call: number): readonly number[] {
  const places = list(value);
  count(call + places.length);
  let last = -1;
  for (const place of places) {
    if (count(place) <= last) throw new ProtocolViolation('inputs that are not in order');
    last = place as number;
  }
  if (last >= list(args).length) throw new ProtocolViolation('an input beyond the arguments');
  return places as number[];
}

function errorBody(value: unknown): ErrorBody {
  const body = value as Partial<Record<keyof ErrorBody, unknown>> | null;
  if (typeof body !== 'object' || body === null) {
    throw new ProtocolViolation('an error frame without an error');
  }
  const known = { code: text(body.code), message: text(body.message) };
  return {
    ...known,
    data: body.data,
    exception: body.exception,
    ...(typeof body.id === 'string' ? { id: body.id } : {}),
  };
}
