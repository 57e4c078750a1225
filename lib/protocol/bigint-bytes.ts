/** The two's complement of a bigint, big-endian, in as few bytes as hold it; at least one. */
export function toBytes(value: bigint): Uint8Array {
  const flip = value < 0n ? 0xff : 0;
  const digits = (value < 0n ? ~value : value).toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  // The first bit is the sign's.
  const hex = even.charAt(0) < '8' ? even : `00${even}`;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16) ^ flip;
  }
  return bytes;
}

/** The bigint of its two's complement; `bytes` is not empty. Takes linear time. */
export function fromBytes(bytes: Uint8Array): bigint {
  const flip = (bytes[0] as number) > 0x7f ? 0xff : 0;
  let hex = '0x';
  for (const byte of bytes) hex += ((byte ^ flip) | 0x100).toString(16).slice(1);
  return flip === 0 ? BigInt(hex) : ~BigInt(hex);
}
