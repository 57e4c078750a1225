/**
 * The key that makes a JSON object a tagged value: `{"$": tag, "v": content}` (PROTOCOL.md,
 * section 5.1). A user's own object with this key is sent under the tag `object`.
 */
export const TAG = '$';

/** The tags (PROTOCOL.md, section 5.1). */
export const Tag = {
  undefined: 'u',
  number: 'f',
  date: 'd',
  bigint: 'n',
  bytes: 'b',
  map: 'm',
  set: 's',
  object: 'o',
} as const;
