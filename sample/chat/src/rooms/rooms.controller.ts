import { randomUUID } from 'node:crypto';
import { Controller, UseGuards } from '@nestjs/common';
import {
  type Injected,
  MessageBus,
  RequireLogin,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from 'nestjs-streaming';
import { CurrentUser } from '../users/current-user.decorator.js';
import type { User } from '../users/user.js';
import { EntryGuard } from './entry.guard.js';
import { toPerson } from './people.js';
import { PresenceService } from './presence.service.js';
import { Draft, Members, Message, Notice, type RoomInfo } from './room.models.js';
import { ROOMS, roomById, toRoomInfo } from './rooms.js';
import { SentencesService } from './sentences.service.js';

@Controller()
@UseGuards(RequireLogin)
export class RoomsController {
  constructor(
    private readonly bus: MessageBus,
    private readonly presence: PresenceService,
    private readonly sentences: SentencesService,
  ) {}

  @StreamingMethod()
  list(@CurrentUser() user: Injected<User>): RoomInfo[] {
    return ROOMS.map((room) => toRoomInfo(room, user));
  }

  /**
   * What was said in the room and what is being said, for as long as one stays. Whoever is thrown
   * out leaves with the typed reason; everybody else sees a notice and goes on.
   */
  @UseGuards(EntryGuard)
  @StreamingMethod({ yields: () => [Message, Notice] })
  async *join(
    roomId: string,
    @CurrentUser() user: Injected<User>,
    @StreamSession() session: StreamingSession,
  ): AsyncGenerator<Message | Notice> {
    const room = roomById(roomId);
    const lines = session.messages.subscribe(room.lines, { since: 'start' });
    try {
      await this.presence.enter(room, user, session);
      for await (const line of lines) {
        // An old notice is a line like any other; one that still holds ends the stream.
        if (line instanceof Notice && line.person.id === user.id) {
          await this.sentences.requireEntry(room, user.id);
        }
        yield line;
      }
    } finally {
      await this.presence.leave(room, session);
    }
  }

  /** Who is in the room, now and after each change. */
  @UseGuards(EntryGuard)
  @StreamingMethod({ yields: () => Members })
  members(roomId: string, @StreamSession() session: StreamingSession): AsyncIterable<Members> {
    return this.presence.follow(roomById(roomId), session);
  }

  /** Says something to everybody in the room, or fails with `MayNotPost` or `ThrownOut`. */
  @StreamingMethod()
  async post(roomId: string, { text }: Draft, @CurrentUser() user: Injected<User>): Promise<void> {
    const room = roomById(roomId);
    await this.sentences.requireVoice(room, user);
    const line = { id: randomUUID(), author: toPerson(user), text: text.trim(), at: new Date() };
    await this.bus.publish(room.lines, Object.assign(new Message(), line));
  }
}
