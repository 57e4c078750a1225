import { vi } from 'vitest';

/** Without its safeguard a test would wait in vain: not as long as a slow machine might need. */
const LONGEST_MS = Number(process.env['SAFEGUARD_WAIT_MS']);

const { waitFor } = vi;

vi.waitFor = (callback, options) => {
  const { timeout = 1_000, ...others } = typeof options === 'number' ? {} : (options ?? {});
  const asked = typeof options === 'number' ? options : timeout;
  return waitFor(callback, { ...others, timeout: Math.min(asked, LONGEST_MS) });
};
