import type { Person } from '../../src/rooms/room.models.js';
import { make } from './element.js';

const COLORS = [
  '#d9304f',
  '#b4540a',
  '#2f7d4f',
  '#0f7f7d',
  '#2f5fd6',
  '#7a4fd0',
  '#a8479f',
  '#8a4f32',
];

/** A square with somebody's initial, always of the same colour. */
export function makeAvatar({ id, name }: Pick<Person, 'id' | 'name'>): HTMLElement {
  const avatar = make('span', 'avatar', name.slice(0, 1));
  avatar.ariaHidden = 'true';
  const sum = [...id].reduce((so, letter) => so * 31 + (letter.codePointAt(0) ?? 0), 7);
  avatar.style.setProperty('--color', COLORS[sum % COLORS.length] ?? 'gray');
  return avatar;
}

/** Somebody's name; a moderator's with a badge. */
export function makeName({ name, isModerator }: Person): HTMLElement {
  const shown = make('strong', 'name', name);
  if (isModerator) shown.append(make('span', 'badge', 'moderator'));
  return shown;
}
