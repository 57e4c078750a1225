/**
 * Where a message stands in a history at Redis: when its batch was kept, its number among all of the
 * channel's, and a tag that its batch was given at random. Times and numbers may come again after a
 * failover, the tag doesn't.
 */
export interface HistoryPosition {
  readonly ms: number;
  readonly number: number;
  readonly tag: string;
}

const FORM = /^(\d{1,16})-(\d{1,16})\.([\w-]{1,64}!?)$/;

/** `undefined` for what was never a position. */
export function parsePosition(text: string): HistoryPosition | undefined {
  const [, ms, number, tag = ''] = FORM.exec(text) ?? [];
  return ms === undefined ? undefined : { ms: Number(ms), number: Number(number), tag };
}

export function formatPosition(ms: number, number: number, tag: string): string {
  return `${ms}-${number}.${tag}`;
}

/** The number of the record at a position; 0 before the first. */
export function numberOf(position: string): number {
  return parsePosition(position)?.number ?? 0;
}
