import { CodecPair, type Received } from './codec-pair.js';

export function msgpackPair(): CodecPair {
  return new CodecPair({ codec: 'msgpack' });
}

export function toHex(bytes: string | Uint8Array): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

/** The bytes that are written here in hexadecimal, with spaces where they help. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** A message of one run of stream 1 with one item of these bytes. */
export function itemMessage(item: string): Uint8Array {
  const size = fromHex(item).length.toString(16).padStart(8, '0');
  return fromHex(`94 04 01 ce ${size} ${item}`);
}

/** What arrives of one item of these bytes. */
export function receiveItem(item: string, both = msgpackPair()): Received {
  const [received] = both.decode(itemMessage(item));
  if (received === undefined) throw new Error('no frame arrived');
  return received;
}
