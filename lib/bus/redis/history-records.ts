import type { HistoryRecord } from '../history-driver.js';
import type { BatchDecoder } from './batch-decoder.js';
import { LENGTH_BYTES } from './batch-encoder.js';
import { formatPosition, parsePosition } from './history-position.js';

/** A batch of a history, as it was kept. */
export interface HistoryBatch {
  /** The position of its last message. */
  readonly position: string;
  /** The position before its first message. */
  readonly previous: string;
  /** How many messages it holds. */
  readonly count: number;
  /** Where what `BatchEncoder` made is; nothing where messages are told to be lost. */
  readonly bytes: Buffer;
  readonly start: number;
}

/** Makes records out of batches. */
export class HistoryRecords {
  readonly #decoder: BatchDecoder;
  readonly #bad: (channel: string, problem: string) => void;

  constructor(decoder: BatchDecoder, bad: (channel: string, problem: string) => void) {
    this.#decoder = decoder;
    this.#bad = bad;
  }

  /**
   * The records of a batch whose numbers are greater than `after`, at most so many. Messages that
   * can't be read are told once, and are records all the same: others follow them.
   */
  of(channel: string, batch: HistoryBatch, after = 0, limit = batch.count): HistoryRecord[] {
    const place = parsePosition(batch.position);
    if (place === undefined) return [];
    const { ms, number, tag } = place;
    const skipped = Math.min(batch.count, Math.max(0, after - (number - batch.count)));
    const wanted = Math.min(limit, batch.count - skipped);
    let next = number - batch.count + skipped;
    let previous = skipped === 0 ? batch.previous : formatPosition(ms, next, tag);
    const records: HistoryRecord[] = [];
    const add = (kind: HistoryRecord['kind'], message: unknown) => {
      next += 1;
      const position = formatPosition(ms, next, tag);
      records.push({ position, previous, kind, message });
      previous = position;
    };
    if (batch.bytes.length === batch.start) add('loss', undefined);
    else this.#decode(channel, batch, skipped, wanted, add);
    // Where a batch breaks off, what it lacks can't be read.
    while (records.length < wanted) add('unreadable', undefined);
    return records;
  }

  #decode(
    channel: string,
    { bytes, start }: HistoryBatch,
    skipped: number,
    wanted: number,
    add: (kind: HistoryRecord['kind'], message: unknown) => void,
  ): void {
    const receiver = {
      message: (message: unknown) => add('message', message),
      bad: (problem: string) => {
        add('unreadable', undefined);
        this.#bad(channel, problem);
      },
    };
    this.#decoder.decode(bytes, offsetOf(bytes, start, skipped), receiver, wanted);
  }
}

/** Where the message begins that comes after so many others; each begins with its length. */
function offsetOf(bytes: Buffer, start: number, skipped: number): number {
  let offset = start;
  for (let n = 0; n < skipped && offset + LENGTH_BYTES <= bytes.length; n += 1)
    offset += LENGTH_BYTES + bytes.readUInt32BE(offset + 1);
  return offset;
}
