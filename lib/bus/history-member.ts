import type { BusHooks } from './bus-hooks.js';
import type { ChannelMember } from './channel.js';
import { type Gap, type HistoryGapReason, historyGap } from './gap.js';
import type { HistoryRecord, HistoryStart } from './history-driver.js';
import type { HistoryFeed } from './history-feed.js';
import { HistoryFollower } from './history-follower.js';

/** A member that can be made to wait: what it has no room for is read from the history later. */
export interface PacedMember extends ChannelMember {
  /** How many messages it has room for now. */
  readonly room: number;
  /** Whether it waits for what comes without room for it, too, instead of letting some of it go. */
  readonly waits: boolean;
  /** Has `fn` called once, when a good part of its room is free. */
  onRoom(fn: () => void): void;
}

/** What a history member belongs to. */
export interface HistoryMembership {
  readonly channel: string;
  readonly feed: HistoryFeed;
  readonly hooks: BusHooks;
  /** Where the member begins, unless it is with what comes. */
  readonly since: HistoryStart | undefined;
}

/**
 * A member of a channel with history. It gets what the feed gives as long as it keeps up. One that
 * begins in the past, or has no room, follows by itself: it reads at its own pace, until it is where
 * the feed is.
 */
export class HistoryMember implements ChannelMember {
  readonly #member: PacedMember;
  readonly #membership: HistoryMembership;
  #follower: HistoryFollower | undefined;
  #since: HistoryStart | undefined;

  constructor(member: PacedMember, membership: HistoryMembership) {
    this.#member = member;
    this.#membership = membership;
    this.#since = membership.since;
  }

  receive(message: unknown, record: HistoryRecord): void {
    // Before it begins in the past it needs nothing: what comes now is read then.
    if (this.#since !== undefined) return;
    if (this.#follower !== undefined) {
      this.#follower.offer(record);
      this.#join(this.#follower);
    } else if (this.#member.waits && this.#member.room < 1)
      this.#follow({ after: record.previous });
    else this.#member.receive(message, record);
  }

  gap(gap: Gap): boolean {
    if (this.#since !== undefined) return true;
    if (this.#follower === undefined) return this.#member.gap(gap);
    // What was let go it finds out by itself, where it is. It may never see what was lost.
    return gap.reason === 'trimmed' || this.#member.gap(gap);
  }

  stand(): void {
    const since = this.#since;
    this.#since = undefined;
    if (since === undefined) this.#member.stand(this.#membership.feed.position);
    else {
      this.#follow(since);
      this.#member.stand(typeof since === 'object' && 'after' in since ? since.after : undefined);
    }
  }

  fail(error: unknown): void {
    this.close();
    this.#member.fail(error);
  }

  end(): void {
    this.close();
    this.#member.end();
  }

  /** Stops reading. */
  close(): void {
    this.#follower?.close();
    this.#follower = undefined;
  }

  #follow(from: HistoryStart): void {
    const follower: HistoryFollower = new HistoryFollower({
      read: (start, limit) => this.#membership.feed.read(start, limit),
      record: (record) => this.#deliver(record),
      gap: (reason) => this.#tell(reason),
      room: () => this.#member.room,
      full: () => this.#member.onRoom(() => follower.resume()),
      live: () => this.#join(follower),
      failed: (error) => this.fail(error),
    });
    this.#follower = follower;
    follower.begin(from);
  }

  /** From where the feed is, the feed is enough. */
  #join(follower: HistoryFollower): void {
    if (!follower.isLive || follower.position !== this.#membership.feed.position) return;
    if (this.#follower === follower) this.close();
  }

  #deliver(record: HistoryRecord): void {
    if (record.kind !== 'message') return;
    this.#member.receive(record.message, record);
    this.#membership.hooks.delivered?.(this.#membership.channel, 1);
  }

  #tell(reason: HistoryGapReason): void {
    const gap = historyGap(reason);
    const { channel, hooks } = this.#membership;
    const isTold = this.#member.gap(gap);
    hooks.gap?.(channel, gap.detail, isTold ? 0 : 1);
  }
}
