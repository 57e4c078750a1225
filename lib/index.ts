import 'reflect-metadata';

export { AuthRevocation } from './auth/auth-revocation.js';
export type { AuthenticationInfo } from './auth/authentication-info.js';
export type { AuthenticationRequest } from './auth/authenticator.js';
export { Authenticator } from './auth/authenticator.js';
export type { BusStatus } from './bus/bus-driver.js';
export type { BusErrorCode } from './bus/bus-error.js';
export { BusError, BusUnavailableError } from './bus/bus-error.js';
export type { BusHooks } from './bus/bus-hooks.js';
export type { Channel, ChannelHistory, ChannelOptions } from './bus/define-channel.js';
export { defineChannel } from './bus/define-channel.js';
export type { Gap, GapListener, GapReason } from './bus/gap.js';
export { MessageBus } from './bus/message-bus.js';
export type { MessageClass, MessageType } from './bus/message-type.js';
export type { Messages } from './bus/messages.js';
export type {
  RedisBusOptions,
  RedisClusterConfig,
  RedisConfig,
  RedisFactory,
  RedisRole,
} from './bus/redis/redis-options.js';
export type {
  ChannelSubscribeOptions,
  HistorySince,
  ListenOptions,
  MessageListener,
  MessageScope,
  PublishOptions,
  SubscribeOptions,
  Subscription,
  TypedSubscribeOptions,
} from './bus/subscription.js';
export type { Injected } from './model/injected.js';
export type { ModelClass } from './model/registry.js';
export { Serializable } from './model/registry.js';
export { StreamingException } from './model/streaming-exception.js';
export { Public, RequireLogin, RequireScopes } from './nest/auth-guards.js';
export type { AuthenticatorOption, AuthOptions } from './nest/auth-options.js';
export { BaseStreamingExceptionFilter } from './nest/base-streaming-exception-filter.js';
export type { ElementClass, ElementTypes, TypeReference } from './nest/element-type.js';
export type { StreamingMethodOptions } from './nest/method.decorators.js';
export { Endpoint, StreamingMethod } from './nest/method.decorators.js';
export type { Pipe } from './nest/parameter.decorators.js';
export { Arg, StreamParam, StreamSession } from './nest/parameter.decorators.js';
export type { StandardSchema } from './nest/standard-schema.js';
export { StreamingModule } from './nest/streaming.module.js';
export type { StreamingHealth } from './nest/streaming-health.js';
export { StreamingHealthIndicator } from './nest/streaming-health.js';
export type {
  AllowedOrigins,
  StreamingModuleAsyncOptions,
  StreamingModuleOptions,
  StreamingOptionsFactory,
} from './nest/streaming-options.js';
export { StreamingSession } from './nest/streaming-session.js';
export type { Limits } from './protocol/limits.js';
export type {
  ConnectionErrorCode,
  StreamErrorCode,
  StreamErrorOptions,
  WireErrorCode,
} from './protocol/stream-error.js';
export { StreamError } from './protocol/stream-error.js';
export type { Overflow } from './stream/overflow.js';
export type { StreamControllerOptions } from './stream/stream-controller.js';
export { StreamController } from './stream/stream-controller.js';
