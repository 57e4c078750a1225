import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runSwitchedOff } from './one-test.js';
import { editsOf, type Safeguard } from './safeguard.js';
import { replaceOnce } from './switch-off.mjs';

/**
 * What says that a test has seen something wrong, or waited for something in vain: an expectation,
 * an error that the library means to give, the end of the test's time.
 */
const SEEN = [
  /^AssertionError: /,
  /^Error: promise (resolved|rejected) .* instead of /,
  /^(BusError|BusUnavailableError|StreamError): /,
  /^Error: (Test timed out in |Timed out in waitFor!)/,
];

/**
 * Holds that each test of the list fails when the safeguard that it proves is switched off, by what
 * it looks at: not because it was not found, or something broke that it doesn't mean.
 */
export function describeSafeguards(area: string, safeguards: readonly Safeguard[]): void {
  describe.concurrent(area, () => {
    for (const safeguard of safeguards) it(`needs ${safeguard.name}`, () => holdToFail(safeguard));
  });
}

/** Rejects where the test is not run, or doesn't fail by what it looks at. */
export async function holdToFail(safeguard: Safeguard): Promise<void> {
  for (const edit of editsOf(safeguard)) replaceOnce(readFileSync(edit.file, 'utf8'), edit);
  const results = await runSwitchedOff(safeguard);
  const failed = { name: safeguard.test, state: 'failed', failures: expect.any(Array) };
  expect(results, safeguard.guards).toEqual([failed]);
  const [reason = ''] = results[0]?.failures ?? [];
  expect(
    SEEN.some((it) => it.test(reason)),
    `not by what the test looks at: ${reason}`,
  ).toBe(true);
}
