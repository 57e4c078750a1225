import type { Person } from '../../src/rooms/room.models.js';
import { makeAvatar, makeName } from './avatar.js';
import { element, make, makeButton } from './element.js';

/** What a moderator can do to somebody. */
export type Measure = 'mute' | 'throwOut';

export interface MembersViewOptions {
  readonly myId: string;
  /** For moderators. */
  readonly onMeasure: ((measure: Measure, person: Person) => void) | undefined;
}

/** Who is in the room; for moderators, with what they may do about it. */
export class MembersView {
  readonly #list = element('people', HTMLUListElement);
  readonly #toggle = element('show-members', HTMLButtonElement);
  readonly #panel = element('members', HTMLElement);
  readonly #options: MembersViewOptions;

  constructor(options: MembersViewOptions) {
    this.#options = options;
    this.#toggle.onclick = () => this.#open(!this.#panel.classList.contains('open'));
    this.#open(false);
    this.show([]);
  }

  show(people: readonly Person[]): void {
    this.#toggle.textContent = `${people.length} here`;
    this.#list.replaceChildren(...people.map((person) => this.#item(person)));
  }

  #open(isOpen: boolean): void {
    this.#panel.classList.toggle('open', isOpen);
    this.#toggle.ariaExpanded = String(isOpen);
  }

  #item(person: Person): HTMLLIElement {
    const { myId, onMeasure } = this.#options;
    const name = makeName(person);
    if (person.id === myId) name.append(make('span', 'muted', ' you'));
    const item = make('li', '', makeAvatar(person), name);
    if (onMeasure === undefined || person.isModerator) return item;
    const measure = (text: string, kind: Measure) =>
      makeButton(text, `${text}: ${person.name}`, () => onMeasure(kind, person));
    item.append(make('span', 'actions', measure('Mute', 'mute'), measure('Throw out', 'throwOut')));
    return item;
  }
}
