import type { CodecLimits, FrameDecoder, FrameEncoder } from '../codec.js';
import { createDecoder, createEncoder } from '../create-codec.js';
import { FIRST_ITEM, FrameType } from '../frames.js';
import type { StreamError } from '../stream-error.js';
import type { CodecName } from '../version.js';
import { Line, Point, TestModels } from './test-models.js';

export type Message = string | Uint8Array;

/** A frame as its receiver sees it. */
export interface Received {
  readonly frame: unknown[];
  readonly problem: StreamError | undefined;
}

interface PairOptions {
  readonly codec: CodecName;
  readonly sender?: TestModels;
  readonly receiver?: TestModels;
  readonly encoderLimits?: Partial<CodecLimits>;
  readonly decoderLimits?: Partial<CodecLimits>;
  readonly mayList?: boolean;
}

const LIMITS: CodecLimits = { depth: 64, types: 100 };

/** The sending end of a connection and the receiving end of it. */
export class CodecPair {
  readonly encoder: FrameEncoder;
  readonly decoder: FrameDecoder;

  constructor({ codec, ...options }: PairOptions) {
    const sender = options.sender ?? new TestModels(1).add(Point).add(Line);
    const receiver = options.receiver ?? new TestModels(70).add(Line).add(Point);
    this.encoder = createEncoder(codec, sender, { ...LIMITS, ...options.encoderLimits });
    const decoderLimits = { ...LIMITS, ...options.decoderLimits };
    this.decoder = createDecoder(codec, receiver, decoderLimits, options.mayList ?? true);
  }

  /** What was gathered; fails when that is nothing. */
  take(): Message {
    const message = this.encoder.take();
    if (message === undefined) throw new Error('nothing was gathered');
    return message;
  }

  decode(message: Message): Received[] {
    const received: Received[] = [];
    this.decoder.decode(message, (frame, problem) => received.push({ frame, problem }));
    return received;
  }

  /** What arrives of all that was gathered. */
  pass(): Received[] {
    return this.decode(this.take());
  }

  /** What arrives of one item. */
  roundTrip(item: unknown): unknown {
    this.encoder.item(1, item);
    const [received, ...others] = this.pass();
    if (received === undefined || others.length > 0) throw new Error('not one frame');
    if (received.problem !== undefined) throw received.problem;
    return received.frame[FIRST_ITEM];
  }
}

/** The items of the received runs in order, each with its stream. */
export function itemsOf(received: readonly Received[]): [stream: unknown, item: unknown][] {
  return received
    .filter(({ frame }) => frame[0] === FrameType.item)
    .flatMap(({ frame }) =>
      frame.slice(FIRST_ITEM).map((item): [unknown, unknown] => [frame[1], item]),
    );
}
