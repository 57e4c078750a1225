import type { FrameReceiver } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import type { StreamError } from './stream-error.js';

/**
 * Gives a frame of which the value at a place could not be made. The items of a run that stand before
 * it are good, whatever they were sent together with: they come first, in a frame of their own.
 */
export function giveUnreadable(
  frame: unknown[],
  at: number,
  problem: StreamError,
  each: FrameReceiver,
): void {
  if (frame[0] === FrameType.item && at > FIRST_ITEM) {
    const good = frame.slice(0, at);
    const share = (at - FIRST_ITEM) / (frame.length - FIRST_ITEM);
    good[2] = Math.floor((frame[2] as number) * share);
    each(good, undefined);
  }
  each(frame, problem);
}
