// What both entries of the client give: the one for Node and the one for browsers.

export type { Injected } from '../model/injected.js';
export type { ModelClass } from '../model/registry.js';
export { Serializable } from '../model/registry.js';
export { StreamingException } from '../model/streaming-exception.js';
export type {
  ConnectionErrorCode,
  StreamErrorCode,
  StreamErrorOptions,
  WireErrorCode,
} from '../protocol/stream-error.js';
export { StreamError } from '../protocol/stream-error.js';
export type { CodecName } from '../protocol/version.js';
export type { StreamControllerOptions } from '../stream/stream-controller.js';
export { StreamController } from '../stream/stream-controller.js';
export type { BackoffOptions } from './backoff.js';
export type { ClientLimits, ClientOptions, StreamingClientOptions } from './options.js';
export type {
  ClientEndpoint,
  ClientMethod,
  ClientStatus,
  OpenedStream,
  OutputStream,
  OutputValue,
  StreamInput,
  StreamingClient,
  StreamingClientControl,
} from './types.js';
