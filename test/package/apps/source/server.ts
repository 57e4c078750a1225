import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.js';

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();
  console.log(`ws://127.0.0.1:${port}/streaming`);
}

void main();
