import { randomBytes } from 'node:crypto';

/** What a batch of an ephemeral channel begins with: a format, its sender, its number there. */
export const HEADER_BYTES = 15;

const FORMAT = 0xb0;
const FIRST = 0x01;
const SENDER_BYTES = 8;
const NUMBER_BYTES = 6;

export interface BatchHeader {
  /** Names a process, for as long as it lives. */
  readonly sender: string;
  /** One more than that of the sender's last batch on this channel, unless `isFirst`. */
  readonly number: number;
  /** No batch of the sender came before it on this channel, or it doesn't remember one. */
  readonly isFirst: boolean;
}

export function createSender(): string {
  return randomBytes(SENDER_BYTES).toString('latin1');
}

export function writeHeader(batch: Buffer, { sender, number, isFirst }: BatchHeader): void {
  batch[0] = isFirst ? FORMAT | FIRST : FORMAT;
  batch.write(sender, 1, 'latin1');
  batch.writeUIntBE(number, 1 + SENDER_BYTES, NUMBER_BYTES);
}

/** `undefined` for what can be no batch of ours. */
export function readHeader(batch: Buffer): BatchHeader | undefined {
  const [format = 0] = batch;
  if (batch.length < HEADER_BYTES || (format & ~FIRST) !== FORMAT) return undefined;
  const sender = batch.toString('latin1', 1, 1 + SENDER_BYTES);
  const number = batch.readUIntBE(1 + SENDER_BYTES, NUMBER_BYTES);
  return { sender, number, isFirst: (format & FIRST) !== 0 };
}
