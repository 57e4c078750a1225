import { Module } from '@nestjs/common';
import { StreamingModule } from 'nestjs-streaming';
import { Picture } from './picture.js';
import { PixoramaController } from './pixorama.controller.js';

@Module({
  // A viewer's call never ends by itself: at shutdown only pixels under way are waited for.
  // With a Redis, several servers show one picture.
  imports: [StreamingModule.forRoot({ drainMs: 500, redis: process.env['REDIS_URL'] })],
  controllers: [PixoramaController],
  providers: [Picture],
})
export class AppModule {}
