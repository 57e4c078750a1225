import { randomUUID } from 'node:crypto';
import { BadRequestException, Controller, NotFoundException, UseGuards } from '@nestjs/common';
import { type Injected, MessageBus, RequireScopes, StreamingMethod } from 'nestjs-streaming';
import { CurrentUser } from '../users/current-user.decorator.js';
import { isModerator, type User } from '../users/user.js';
import { UsersService } from '../users/users.service.js';
import { toPerson } from './people.js';
import { Notice, type NoticeKind, Sentence } from './room.models.js';
import { type Room, roomById } from './rooms.js';
import { type SentenceKind, SentencesService } from './sentences.service.js';

/** What a moderator may do in a room. It is kept first and told second, so that nobody slips by. */
@Controller()
@UseGuards(RequireScopes('moderator'))
export class ModerationController {
  constructor(
    private readonly bus: MessageBus,
    private readonly users: UsersService,
    private readonly sentences: SentencesService,
  ) {}

  @StreamingMethod()
  throwOut(roomId: string, sentence: Sentence, @CurrentUser() by: Injected<User>): Promise<void> {
    return this.#pass('thrown-out', roomId, sentence, by);
  }

  @StreamingMethod()
  mute(roomId: string, sentence: Sentence, @CurrentUser() by: Injected<User>): Promise<void> {
    return this.#pass('muted', roomId, sentence, by);
  }

  @StreamingMethod()
  letIn(roomId: string, userId: string, @CurrentUser() by: Injected<User>): Promise<void> {
    return this.#lift('thrown-out', roomId, userId, by);
  }

  @StreamingMethod()
  unmute(roomId: string, userId: string, @CurrentUser() by: Injected<User>): Promise<void> {
    return this.#lift('muted', roomId, userId, by);
  }

  async #pass(kind: SentenceKind, roomId: string, sentence: Sentence, by: User): Promise<void> {
    const { userId, reason } = sentence;
    const [room, user] = [roomById(roomId), this.#find(userId)];
    if (isModerator(user)) throw new BadRequestException('Moderators are spared.');
    await this.sentences.pass(kind, room, user.id, { by: by.name, reason });
    await this.#tell(kind, room, user, by, reason);
  }

  async #lift(kind: SentenceKind, roomId: string, userId: string, by: User): Promise<void> {
    const [room, user] = [roomById(roomId), this.#find(userId)];
    await this.sentences.lift(kind, room, user.id);
    await this.#tell(kind === 'muted' ? 'unmuted' : 'let-in', room, user, by);
  }

  #find(userId: string): User {
    const user = this.users.find(userId);
    if (user === undefined) throw new NotFoundException('There is no such person.');
    return user;
  }

  async #tell(kind: NoticeKind, room: Room, user: User, by: User, reason = ''): Promise<void> {
    const [person, moderator] = [toPerson(user), toPerson(by)];
    const notice = { id: randomUUID(), kind, person, moderator, reason, at: new Date() };
    await this.bus.publish(room.lines, Object.assign(new Notice(), notice));
  }
}
