import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { StreamingSession } from 'nestjs-streaming';
import { roomById } from './rooms.js';
import { SentencesService } from './sentences.service.js';

/** Lets into the room that is the call's first argument who was not thrown out of it. */
@Injectable()
export class EntryGuard implements CanActivate {
  constructor(private readonly sentences: SentencesService) {}

  /** @throws ThrownOut, which the client gets as what it is. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const ws = context.switchToWs();
    const [roomId] = ws.getData<unknown[]>();
    const { auth } = ws.getClient<StreamingSession>();
    if (auth === null) return false;
    await this.sentences.requireEntry(roomById(roomId), String(auth.userId));
    return true;
  }
}
