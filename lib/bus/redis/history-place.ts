/** Where a channel's history is at Redis. */
export interface HistoryPlace {
  /** The stream, and the channel on which its batches are published. */
  readonly stream: string;
  /** The key of the last position. */
  readonly tail: string;
}

/** In braces, so that a cluster keeps both at one server; what would end them is written otherwise. */
export function placeOf(prefix: string, channel: string): HistoryPlace {
  const name = channel.replaceAll('%', '%25').replaceAll('}', '%7D');
  const stream = `${prefix}history:{${name}}`;
  return { stream, tail: `${stream}:tail` };
}
