import type { StreamError } from './stream-error.js';

/**
 * A frame may be as large as it likes: larger than any text can be, and still a small integer, which
 * needs no memory of its own in each encoder.
 */
export const NO_LIMIT = 2 ** 30 - 1;

/** Gathers the frames of one message. One for each connection and direction. */
export interface FrameEncoder {
  /** About how many bytes were gathered since `take`. */
  readonly size: number;
  /** The largest item or frame it makes, in bytes; a larger one can't be encoded. @default none */
  maxFrameBytes: number;
  /**
   * Adds an item to the stream's run and returns its size: UTF-16 code units of its JSON text, or
   * bytes of its MessagePack. The item is encoded at once; changing it afterwards changes nothing.
   *
   * @throws TypeError when it can't be encoded; nothing was added then.
   */
  item(stream: number, item: unknown): number;
  /**
   * Adds any other frame.
   *
   * @throws TypeError when a value in it can't be encoded; nothing was added then.
   */
  frame(frame: readonly unknown[]): void;
  /** The gathered message, and begins a new one; `undefined` when nothing was gathered. */
  take(): string | Uint8Array | undefined;
}

/** Takes messages apart. One for each connection and direction, because it keeps type names. */
export interface FrameDecoder {
  /**
   * Calls `each` for every frame in order; `types` frames it keeps to itself, and of a run for a list
   * of streams it makes one for each, with items of its own. `problem` tells why a value in that
   * frame could not be made: an unknown type, say. A run ends before it then, and tells the size of
   * all that was sent.
   *
   * @throws ProtocolViolation for a message that is not one.
   */
  decode(message: string | Uint8Array, each: FrameReceiver): void;
}

export type FrameReceiver = (frame: unknown[], problem: StreamError | undefined) => void;

/** The bounds of what a decoder accepts and an encoder makes. */
export interface CodecLimits {
  /** How deep arrays, objects and models may nest in one value. */
  readonly depth: number;
  /** How many type names a peer may announce on a connection. */
  readonly types: number;
}
