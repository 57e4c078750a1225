import { Injectable } from '@nestjs/common';
import { type Group, Store } from '../store/store.js';
import type { User } from '../users/user.js';
import { MayNotPost, ThrownOut } from './room.exceptions.js';
import { isOpenTo, type Room } from './rooms.js';

const MINUTE_MS = 60 * 1000;
const DURATION_MS = { 'thrown-out': 10 * MINUTE_MS, muted: 5 * MINUTE_MS } as const;

export type SentenceKind = keyof typeof DURATION_MS;

interface Passed {
  readonly by: string;
  readonly reason: string;
  readonly until: number;
}

/** Who is thrown out of a room or muted there, by which moderator, and until when. */
@Injectable()
export class SentencesService {
  constructor(private readonly store: Store) {}

  async pass(kind: SentenceKind, room: Room, userId: string, why: Omit<Passed, 'until'>) {
    const until = Date.now() + DURATION_MS[kind];
    await this.#of(kind, room).set(userId, { ...why, until });
  }

  async lift(kind: SentenceKind, room: Room, userId: string): Promise<void> {
    await this.#of(kind, room).delete(userId);
  }

  /** @throws ThrownOut for who must stay outside. */
  async requireEntry(room: Room, userId: string): Promise<void> {
    const passed = await this.#of('thrown-out', room).get(userId);
    if (passed === undefined) return;
    throw new ThrownOut(room.id, passed.reason, passed.by, new Date(passed.until));
  }

  /** @throws MayNotPost or ThrownOut for who has nothing to say here. */
  async requireVoice(room: Room, user: User): Promise<void> {
    if (!isOpenTo(room, user)) {
      throw new MayNotPost(room.id, 'moderators-only', `Only moderators write in ${room.title}.`);
    }
    await this.requireEntry(room, user.id);
    const muted = await this.#of('muted', room).get(user.id);
    if (muted === undefined) return;
    throw new MayNotPost(room.id, 'muted', `${muted.by} has muted you: ${muted.reason}`);
  }

  #of(kind: SentenceKind, room: Room): Group<Passed> {
    return this.store.group<Passed>(`${kind}:${room.id}`, DURATION_MS[kind]);
  }
}
