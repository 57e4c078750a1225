import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { settings } from '../settings.js';
import { StoreModule } from '../store/store.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { DevicesService } from './devices.service.js';
import { TokenAuthenticator } from './token.authenticator.js';
import { TokensService } from './tokens.service.js';

@Module({
  imports: [
    JwtModule.register({
      secret: settings.jwtSecret,
      signOptions: { expiresIn: settings.accessTokenSeconds },
    }),
    StoreModule,
    UsersModule,
  ],
  controllers: [AuthController],
  providers: [DevicesService, TokensService, TokenAuthenticator],
})
export class AuthModule {}
