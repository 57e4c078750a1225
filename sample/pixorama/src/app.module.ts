import { Module } from '@nestjs/common';
import { StreamingModule } from 'nestjs-streaming';
import { Picture } from './picture.js';
import { PixoramaController } from './pixorama.controller.js';

@Module({
  imports: [StreamingModule.forRoot()],
  controllers: [PixoramaController],
  providers: [Picture],
})
export class AppModule {}
