import { FIRST_ITEM, FrameType } from './frames.js';

/**
 * Takes out of a frame what can't be used because the value at a place could not be made: of a run,
 * that item and those behind it. The frame stays one, which tells the size of all that its writer
 * was charged for: what the good ones weigh nobody has measured, and it may be all of it.
 */
export function cutUnreadable(frame: unknown[], at: number): void {
  if (frame[0] === FrameType.item && at >= FIRST_ITEM) frame.length = at;
}
