/** The close codes of a connection (PROTOCOL.md, section 8). */
export const CloseCode = {
  /** The client has no calls left, or was closed by its user. */
  normal: 1000,
  /** The server goes away; its calls had their time to end. */
  goingAway: 1001,
  /** A message was larger than the receiver's limit. */
  messageTooBig: 1009,
  /** An error inside the side that closes. */
  internal: 1011,
  /** A message or a frame could not be read, or was not allowed where it came. */
  badFrame: 4400,
  /** The client presented credentials too often, or too many that were refused. */
  tooManyCredentials: 4401,
  /** The server doesn't speak the version of the protocol that the client asked for. */
  unsupportedVersion: 4406,
  /** More items or bytes were sent than the receiver had granted. */
  creditExceeded: 4413,
  /** A call's id was not above all earlier ones. */
  idReused: 4409,
  /** The client's first frame was not `hello`, or did not come in time. */
  helloMissing: 4408,
  /** A ping was not answered in time. */
  keepAliveTimeout: 4504,
  /** The peer stopped reading its socket while much waited to be sent. */
  socketNotRead: 4510,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

const NOT_AGAIN: ReadonlySet<number> = new Set([1007, 1009, 4400, 4406, 4409, 4413]);

/** Whether the same client, connecting again, would not just do the same again. */
export function mayReconnect(code: number): boolean {
  return !NOT_AGAIN.has(code);
}
