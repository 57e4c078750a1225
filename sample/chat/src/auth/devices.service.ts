import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { AuthRevocation } from 'nestjs-streaming';
import { type Group, Store } from '../store/store.js';
import type { Device } from './device.js';

export const DEVICE_TTL_MS = 30 * 24 * 60 * 60 * 1000;

/** The devices that are signed in, on whichever server they did so. */
@Injectable()
export class DevicesService {
  constructor(
    private readonly store: Store,
    private readonly revocation: AuthRevocation,
  ) {}

  /** Signs a device in. Resolves with its refresh token, which nobody else ever sees. */
  async add(userId: string, name: string): Promise<string> {
    const [id, secret] = [randomUUID(), randomBytes(32).toString('base64url')];
    const device = { id, userId, name, since: Date.now(), secretHash: hashOf(secret) };
    await this.#of(userId).set(id, device);
    return `${userId}.${id}.${secret}`;
  }

  /** The device that has this refresh token, unless it was logged out. */
  async find(refreshToken: string): Promise<Device | undefined> {
    const [userId = '', id = '', secret = ''] = refreshToken.split('.');
    const device = await this.#of(userId).get(id);
    return device && isSame(device.secretHash, hashOf(secret)) ? device : undefined;
  }

  list(userId: string): Promise<Device[]> {
    return this.#of(userId).list();
  }

  /**
   * Logs a device out: once this resolves, no server sends it another item. It is forgotten last:
   * when Redis can't be reached meanwhile, one may try again.
   *
   * @throws NotFoundException for no device of this user.
   */
  async end(userId: string, id: string): Promise<void> {
    const devices = this.#of(userId);
    if ((await devices.get(id)) === undefined) throw new NotFoundException('No such device.');
    await this.revocation.revokeAuthId(userId, id);
    await devices.delete(id);
  }

  #of(userId: string): Group<Device> {
    return this.store.group<Device>(`devices:${userId}`, DEVICE_TTL_MS);
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
