import { ByteReader } from './byte-reader.js';
import type { CodecLimits, FrameDecoder, FrameReceiver } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import { KeyCache } from './key-cache.js';
import { isListed, listedStreams } from './listed-streams.js';
import type { ModelPort } from './model-port.js';
import { MsgpackReader } from './msgpack-reader.js';
import { PeerTypes } from './type-table.js';
import { cutUnreadable } from './unreadable.js';
import { ProtocolViolation } from './violation.js';

/** The level of what stands in a frame; the frame itself is the first. */
const VALUE_DEPTH = 2;

/** Takes messages of MessagePack apart (PROTOCOL.md, section 5.2). */
export class MsgpackDecoder implements FrameDecoder {
  readonly #types: PeerTypes;
  readonly #keys = new KeyCache();
  readonly #depth: number;
  readonly #mayList: boolean;

  /** `mayList` where the peer may send one run to a list of streams. */
  constructor(models: ModelPort, limits: CodecLimits, mayList: boolean) {
    this.#mayList = mayList;
    this.#types = new PeerTypes(models, limits);
    this.#depth = limits.depth;
  }

  decode(message: string | Uint8Array, each: FrameReceiver): void {
    if (typeof message === 'string') throw new ProtocolViolation('a text message');
    const input = new ByteReader(message);
    const reader = new MsgpackReader(input, this.#types, this.#keys, this.#depth);
    while (input.remaining > 0) {
      const frame = readFrame(input, reader);
      if (frame[0] === FrameType.types) this.#types.announce(frame);
      else if (isListed(frame)) this.#toEach(frame, input, reader, each);
      else each(frame, reader.problem);
    }
  }

  /** One frame for each stream of the list, with items of its own. */
  #toEach(frame: unknown[], input: ByteReader, reader: MsgpackReader, each: FrameReceiver): void {
    const streams = listedStreams(frame, this.#mayList);
    const itemsEnd = input.position;
    const itemsStart = itemsEnd - (frame[2] as number);
    frame[1] = streams[0];
    each(frame, reader.problem);
    for (let i = 1; i < streams.length; i++) {
      input.position = itemsStart;
      reader.clear();
      const own = [FrameType.item, streams[i], frame[2]];
      while (input.position < itemsEnd) push(own, reader);
      each(own, reader.problem);
    }
  }
}

/** Reads the next value of a frame. A run ends before the first one that could not be made. */
function push(frame: unknown[], reader: MsgpackReader): void {
  frame.push(reader.value(VALUE_DEPTH));
  if (reader.problem !== undefined) cutUnreadable(frame, frame.length - 1);
}

function readFrame(input: ByteReader, reader: MsgpackReader): unknown[] {
  reader.clear();
  const length = reader.listLength();
  if (length === undefined) throw new ProtocolViolation('a frame that is not an array');
  if (length > input.remaining) throw new ProtocolViolation('a message cut short');
  const frame: unknown[] = [];
  let itemsStart: number | undefined;
  for (let i = 0; i < length; i++) {
    if (i === FIRST_ITEM) itemsStart = input.position;
    push(frame, reader);
  }
  const itemBytes = itemsStart === undefined ? 0 : input.position - itemsStart;
  if (frame[0] === FrameType.item && frame[2] !== itemBytes) {
    throw new ProtocolViolation('a run of another size than it tells');
  }
  return frame;
}
