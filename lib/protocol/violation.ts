import { CloseCode } from './close-codes.js';

/** The peer broke the protocol: the connection is closed with this code and reason. */
export class ProtocolViolation extends Error {
  constructor(
    /** What the peer did, in a few words without anything of what it sent. */
    message: string,
    readonly closeCode: CloseCode = CloseCode.badFrame,
  ) {
    super(message);
  }
}
