import { NotFoundException } from '@nestjs/common';
import { type Channel, defineChannel } from 'nestjs-streaming';
import { isModerator, type User } from '../users/user.js';
import { Message, Notice, type RoomInfo } from './room.models.js';

/** A room, with the channels on which all servers hear of it. */
export interface Room {
  readonly id: string;
  readonly title: string;
  readonly topic: string;
  /** Who may write; everyone may read. */
  readonly postedBy: 'everyone' | 'moderators';
  /** What is said and done. The last day of it is kept, for those who come later. */
  readonly lines: Channel<Message | Notice>;
  /** Tells that somebody came or went; who is there stands in the store. */
  readonly comings: Channel<null>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

function room(id: string, title: string, topic: string, postedBy: Room['postedBy']): Room {
  const history = { size: 200, ttlMs: DAY_MS };
  return {
    id,
    title,
    topic,
    postedBy,
    lines: defineChannel(`lines:${id}`, () => [Message, Notice], { history }),
    comings: defineChannel(`comings:${id}`),
  };
}

export const ROOMS: readonly Room[] = [
  room('lobby', 'Lobby', 'Where everybody comes in', 'everyone'),
  room('kitchen', 'Kitchen', 'Recipes and dishes', 'everyone'),
  room('newsroom', 'Newsroom', 'Moderators write', 'moderators'),
];

/** @throws NotFoundException for what is no room's id, whatever it is. */
export function roomById(id: unknown): Room {
  const found = ROOMS.find((it) => it.id === id);
  if (found === undefined) throw new NotFoundException('There is no such room.');
  return found;
}

export function isOpenTo({ postedBy }: Room, user: User): boolean {
  return postedBy === 'everyone' || isModerator(user);
}

export function toRoomInfo(room: Room, user: User): RoomInfo {
  const { id, title, topic } = room;
  return { id, title, topic, mayPost: isOpenTo(room, user) };
}
