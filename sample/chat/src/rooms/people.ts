import { isModerator, type User } from '../users/user.js';
import { Person } from './room.models.js';

/** What everybody may know of a user. */
export function toPerson(user: User): Person {
  const { id, name } = user;
  return Object.assign(new Person(), { id, name, isModerator: isModerator(user) });
}
