/**
 * What the bus tells whoever counts or logs; it never logs itself. Called synchronously in the
 * middle of deliveries, so a hook must be quick and must not throw. Each one is optional.
 */
export interface BusHooks {
  /** A message was handed to the driver. */
  published?(channel: string): void;
  /** A message reached this process and was given to so many subscriptions and listeners. */
  delivered?(channel: string, receivers: number): void;
  /** A subscription's overflow cost it so many messages. */
  dropped?(channel: string, messages: number): void;
  /** A listener threw, or the promise it returned rejected. The others got the message. */
  listenerFailed?(channel: string, error: unknown): void;
  /** The driver lost messages of the channel, or can't know that it lost none. */
  gap?(channel: string, reason: string): void;
  /** The driver can't carry the channel: its subscriptions failed, its listeners were let go. */
  channelFailed?(channel: string, error: unknown): void;
}
