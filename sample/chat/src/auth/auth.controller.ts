import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Res,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { Response } from 'express';
import { settings } from '../settings.js';
import { isModerator } from '../users/user.js';
import { UsersService } from '../users/users.service.js';
import { type AccessToken, type DeviceDto, LogInDto } from './auth.dto.js';
import { CurrentDevice, DeviceGuard } from './device.guard.js';
import { type Device, deviceName } from './device.js';
import { DevicesService } from './devices.service.js';
import { clearRefreshCookie, setRefreshCookie } from './refresh-cookie.js';
import { TokensService } from './tokens.service.js';

/** Signing in and out, over plain HTTP. */
@Controller('auth')
export class AuthController {
  constructor(
    private readonly users: UsersService,
    private readonly devices: DevicesService,
    private readonly tokens: TokensService,
  ) {}

  @Post('login')
  @HttpCode(204)
  async logIn(
    @Body() { name, password }: LogInDto,
    @Headers('user-agent') userAgent: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const user = await this.users.authenticate(name, password);
    if (user === undefined) throw new UnauthorizedException('The name or the password is wrong.');
    setRefreshCookie(response, await this.devices.add(user.id, deviceName(userAgent)));
  }

  /** A new access token: what the streaming client's `credentials` function asks for. */
  @UseGuards(DeviceGuard)
  @Post('refresh')
  @HttpCode(200)
  async refresh(@CurrentDevice() device: Device): Promise<AccessToken> {
    const user = this.users.find(device.userId);
    if (user === undefined) throw new UnauthorizedException();
    return {
      token: await this.tokens.sign(user, device.id),
      expiresInSeconds: settings.accessTokenSeconds,
      user: { id: user.id, name: user.name, isModerator: isModerator(user) },
    };
  }

  /** Logs this device out; what it streams ends, on whichever server. */
  @UseGuards(DeviceGuard)
  @Post('logout')
  @HttpCode(204)
  async logOut(
    @CurrentDevice() device: Device,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    await this.devices.end(device.userId, device.id);
    clearRefreshCookie(response);
  }

  @UseGuards(DeviceGuard)
  @Get('devices')
  async list(@CurrentDevice() { id: own, userId }: Device): Promise<DeviceDto[]> {
    const devices = await this.devices.list(userId);
    return devices
      .sort((a, b) => b.since - a.since)
      .map(({ id, name, since }) => ({ id, name, since, isThis: id === own }));
  }

  /** Logs another device of the same user out. */
  @UseGuards(DeviceGuard)
  @Delete('devices/:id')
  @HttpCode(204)
  async logOutDevice(@CurrentDevice() { userId }: Device, @Param('id') id: string): Promise<void> {
    await this.devices.end(userId, id);
  }
}
