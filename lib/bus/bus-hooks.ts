import type { BusStatus } from './bus-driver.js';

/**
 * What the bus tells whoever counts or logs; it never logs itself. Called synchronously in the
 * middle of deliveries, so a hook must be quick and must not throw. Each one is optional.
 */
export interface BusHooks {
  /** A message was handed to the driver. */
  published?(channel: string): void;
  /** A message could not be sent; who has published it is told by the promise, and may not listen. */
  publishFailed?(channel: string, error: unknown): void;
  /** A message reached this process and was given to so many subscriptions and listeners. */
  delivered?(channel: string, receivers: number): void;
  /** A subscription's overflow cost it so many messages. */
  dropped?(channel: string, messages: number): void;
  /** A listener threw, or the promise it returned rejected. The others got the message. */
  listenerFailed?(channel: string, error: unknown): void;
  /**
   * Messages of the channel are missing in this process, or may be; `untold` counts the subscriptions
   * and listeners concerned that have no `onGap` of their own. What an overflow costs is `dropped`.
   */
  gap?(channel: string, reason: string, untold: number): void;
  /** The driver can't carry the channel: its subscriptions failed, its listeners were let go. */
  channelFailed?(channel: string, error: unknown): void;
  /** Something that came on the channel could not be used, for this reason; it was left out. */
  badMessage?(channel: string, problem: string): void;
  /** The driver's status has changed; `reason` tells why it is not connected. */
  statusChanged?(status: BusStatus, reason: string): void;
  /** A probe went to the server and came back. */
  probed?(latencyMs: number): void;
}
