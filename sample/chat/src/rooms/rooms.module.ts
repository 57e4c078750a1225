import { Module } from '@nestjs/common';
import { StoreModule } from '../store/store.module.js';
import { UsersModule } from '../users/users.module.js';
import { ModerationController } from './moderation.controller.js';
import { PresenceService } from './presence.service.js';
import { RoomsController } from './rooms.controller.js';
import { SentencesService } from './sentences.service.js';

@Module({
  imports: [StoreModule, UsersModule],
  controllers: [RoomsController, ModerationController],
  providers: [PresenceService, SentencesService],
})
export class RoomsModule {}
