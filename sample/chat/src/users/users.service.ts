import { Injectable } from '@nestjs/common';
import { DEMO_USERS } from './demo-users.js';
import { hashPassword, verifyPassword } from './password.js';
import type { User } from './user.js';

@Injectable()
export class UsersService {
  readonly #users = new Map(DEMO_USERS.map((user) => [user.id, user]));
  /** Compared with where there is no such user, so that the answer takes as long. */
  readonly #nobody = hashPassword('nobody');

  find(id: string | number): User | undefined {
    return this.#users.get(String(id));
  }

  /** The user with this name, if the password is right. */
  async authenticate(name: string, password: string): Promise<User | undefined> {
    const user = this.find(name.trim().toLowerCase());
    const isRight = await verifyPassword(password, user?.passwordHash ?? (await this.#nobody));
    return isRight ? user : undefined;
  }
}
