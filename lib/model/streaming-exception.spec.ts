import { expect, it, vi } from 'vitest';
import { Serializable } from './registry.js';
import { isStreamingException } from './streaming-exception.js';

it('an exception is known as one by every copy of the package', async () => {
  const own = await import('./streaming-exception.js');
  vi.resetModules();
  const other = await import('./streaming-exception.js');
  expect(other.StreamingException).not.toBe(own.StreamingException);

  @Serializable('StreamingExceptionOfAnother')
  class Fault extends other.StreamingException {}
  expect(isStreamingException(new Fault())).toBe(true);
  expect(isStreamingException(new Error('none'))).toBe(false);
  expect(isStreamingException({ ...new Fault() })).toBe(false);
});
