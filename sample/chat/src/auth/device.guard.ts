import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import type { Request } from 'express';
import type { Device } from './device.js';
import { DevicesService } from './devices.service.js';
import { readRefreshCookie } from './refresh-cookie.js';

type DeviceRequest = Request & { device?: Device };

/** Lets in over HTTP who has the refresh token of a device that is signed in. */
@Injectable()
export class DeviceGuard implements CanActivate {
  constructor(private readonly devices: DevicesService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<DeviceRequest>();
    const device = await this.devices.find(readRefreshCookie(request) ?? '');
    if (device === undefined) throw new UnauthorizedException('Sign in first.');
    request.device = device;
    return true;
  }
}

/** The device that asks, behind a `DeviceGuard`. */
export const CurrentDevice = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<DeviceRequest>().device,
);
