import { join } from 'node:path';
import { Logger, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';

const port = Number(process.env['PORT'] || 3000);
const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
app.enableShutdownHooks();
app.useStaticAssets(join(import.meta.dirname, 'page'));
await app.listen(port);
new Logger('Chat').log(`Talk on http://localhost:${port}`);
