import { Module } from '@nestjs/common';
import { StreamingModule } from 'nestjs-streaming';
import { Picture } from './picture.js';
import { PixoramaController } from './pixorama.controller.js';

@Module({
  // A viewer's call never ends by itself: at shutdown only pixels under way are waited for.
  imports: [StreamingModule.forRoot({ drainMs: 500 })],
  controllers: [PixoramaController],
  providers: [Picture],
})
export class AppModule {}
