import type { CodecLimits } from '../../protocol/codec.js';
import { createDecoder, createEncoder } from '../../protocol/create-codec.js';
import type { ModelPort } from '../../protocol/model-port.js';
import type { CodecName } from '../../protocol/version.js';

const LIMITS: CodecLimits = { depth: 64, types: 100 };

/** Carries one value from one side to the other. */
export class Wire {
  /** What crossed last, as text that can be searched. */
  message = '';
  readonly #codec: CodecName;
  readonly #sender: ModelPort;
  readonly #receiver: ModelPort;

  constructor(codec: CodecName, sender: ModelPort, receiver = sender) {
    this.#codec = codec;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** What arrives; throws what the sender or the receiver tells of it. */
  carry<T>(value: T): T {
    const encoder = createEncoder(this.#codec, this.#sender, LIMITS);
    encoder.item(1, value);
    const message = encoder.take() ?? '';
    this.message = Buffer.from(message as string).toString('latin1');
    let arrived: unknown;
    createDecoder(this.#codec, this.#receiver, LIMITS).decode(message, (frame, problem) => {
      if (problem !== undefined) throw problem;
      arrived = frame.at(-1);
    });
    return arrived as T;
  }
}
