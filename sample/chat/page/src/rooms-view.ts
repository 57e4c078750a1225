import type { RoomInfo } from '../../src/rooms/room.models.js';
import { element, make } from './element.js';

/** The rooms one can go to. Each has an address of its own: `#kitchen`. */
export class RoomsView {
  readonly #list = element('rooms', HTMLUListElement);
  readonly #links = new Map<string, HTMLAnchorElement>();

  constructor(rooms: readonly RoomInfo[]) {
    for (const { id, title, topic, mayPost } of rooms) {
      const link = make('a', '', make('strong', '', title), make('span', 'muted', topic));
      link.href = `#${id}`;
      link.dataset['kind'] = mayPost ? 'open' : 'read-only';
      this.#links.set(id, link);
    }
    this.#list.replaceChildren(...[...this.#links.values()].map((link) => make('li', '', link)));
  }

  select(roomId: string): void {
    for (const [id, link] of this.#links) link.ariaCurrent = id === roomId ? 'page' : null;
  }

  /** Marks a room as one that one was thrown out of, or takes the mark off. */
  markClosed(roomId: string, isClosed: boolean): void {
    this.#links.get(roomId)?.classList.toggle('closed', isClosed);
  }
}
