import type { CodecLimits, FrameDecoder, FrameEncoder } from './codec.js';
import { JsonDecoder } from './json-decoder.js';
import { JsonEncoder } from './json-encoder.js';
import type { ModelPort } from './model-port.js';
import { MsgpackDecoder } from './msgpack-decoder.js';
import { MsgpackEncoder } from './msgpack-encoder.js';
import type { CodecName } from './version.js';

/** Makes the encoder of a codec for one connection. */
export function createEncoder(
  codec: CodecName,
  models: ModelPort,
  limits: CodecLimits,
): FrameEncoder {
  return codec === 'json' ? new JsonEncoder(models, limits) : new MsgpackEncoder(models, limits);
}

/**
 * Makes the decoder of a codec for one connection. `mayList` where the peer may send one run to a
 * list of streams, which then comes as a frame for each.
 */
export function createDecoder(
  codec: CodecName,
  models: ModelPort,
  limits: CodecLimits,
  mayList = false,
): FrameDecoder {
  return codec === 'json'
    ? new JsonDecoder(models, limits, mayList)
    : new MsgpackDecoder(models, limits, mayList);
}
