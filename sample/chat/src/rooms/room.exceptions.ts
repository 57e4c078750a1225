import { Serializable, StreamingException } from 'nestjs-streaming/client';

/** Ends the stream of who is thrown out of a room, and meets who comes back too early. */
@Serializable('ThrownOut')
export class ThrownOut extends StreamingException {
  constructor(
    readonly roomId = '',
    readonly reason = '',
    /** The moderator's name. */
    readonly by = '',
    /** When one may come back. */
    readonly until = new Date(0),
  ) {
    super(`${by} has thrown you out: ${reason}`, 'permission-denied');
  }
}

export type MayNotPostReason = 'moderators-only' | 'muted';

/** The answer to who posts where they may not. */
@Serializable('MayNotPost')
export class MayNotPost extends StreamingException {
  constructor(
    readonly roomId = '',
    readonly why: MayNotPostReason = 'moderators-only',
    message = '',
  ) {
    super(message, 'permission-denied');
  }
}
