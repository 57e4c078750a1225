import { FrameType } from './frames.js';
import { MAX_RUN_STREAMS } from './shared-runs.js';
import { ProtocolViolation } from './violation.js';

/** Whether a decoded frame is a run for a list of streams. */
export function isListed(frame: readonly unknown[]): boolean {
  return frame[0] === FrameType.item && Array.isArray(frame[1]);
}

/**
 * The streams of such a frame: at least one, each once, and not too many, because the items are
 * made anew for every one of them.
 *
 * @throws ProtocolViolation for any other list, or where the peer may send none (`mayList`).
 */
export function listedStreams(frame: readonly unknown[], mayList: boolean): readonly number[] {
  if (!mayList) throw new ProtocolViolation('a list of streams goes the other way');
  const streams = frame[1] as unknown[];
  if (streams.length === 0 || streams.length > MAX_RUN_STREAMS) {
    throw new ProtocolViolation('a list of no streams, or of too many');
  }
  if (new Set(streams).size !== streams.length) {
    throw new ProtocolViolation('a list with a stream in it twice');
  }
  return streams as number[];
}
