/**
 * A wrong value, for the end of a sentence. A text stands in quotes: what is read from the
 * environment looks like a number, and is none.
 */
export function shownValue(value: unknown): string {
  return typeof value === 'string' ? `the text ${JSON.stringify(value)}` : String(value);
}
