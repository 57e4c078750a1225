import { Module } from '@nestjs/common';
import { StreamingModule } from 'nestjs-streaming';
import { AuthModule } from './auth/auth.module.js';
import { TokenAuthenticator } from './auth/token.authenticator.js';
import { RoomsModule } from './rooms/rooms.module.js';
import { settings } from './settings.js';

@Module({
  imports: [
    StreamingModule.forRoot({
      authenticator: TokenAuthenticator,
      auth: {
        // Nobody can forget a guard here: what everyone may call needs @Public().
        protectByDefault: true,
        // Who logs a device out waits 5 s at most for a server that has died without a word, or that
        // a Redis which has just been started may not know of.
        strict: true,
      },
      // With a Redis, what one server revokes ends the calls on all of them.
      redis: settings.redisUrl,
      // Who is in a room stays there: at shutdown only messages under way are waited for.
      drainMs: 500,
    }),
    AuthModule,
    RoomsModule,
  ],
})
export class AppModule {}
