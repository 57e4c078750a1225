import { Message, type Notice, type NoticeKind } from '../../src/rooms/room.models.js';
import { makeAvatar, makeName } from './avatar.js';
import { element, make, makeButton } from './element.js';

/** What a moderator may take back, on the notice that tells of it. */
export type LiftSentence = (notice: Notice) => void;

const TOLD: Readonly<Record<NoticeKind, string>> = {
  'thrown-out': 'threw out',
  'let-in': 'lets in again',
  muted: 'muted',
  unmuted: 'lets speak again',
};

const LIFTED: Partial<Record<NoticeKind, string>> = {
  'thrown-out': 'Let in again',
  muted: 'Let speak again',
};

/** Messages of one author that stand so close together are shown as one. */
const TOGETHER_MS = 5 * 60 * 1000;

/** Older lines make room for newer ones; the server keeps no more, either. */
const MOST_LINES = 500;

/** The lines of a room, the newest below. Stays there, unless one has scrolled up to read. */
export class ConversationView {
  readonly #pane = element('conversation', HTMLElement);
  readonly #list = element('lines', HTMLOListElement);
  readonly #seen = new Set<string>();
  readonly #lift: LiftSentence | undefined;
  #last: Message | undefined;

  /** `lift` is for moderators. */
  constructor(lift: LiftSentence | undefined) {
    this.#lift = lift;
    this.#list.replaceChildren();
  }

  /** Shows a line, once. */
  add(line: Message | Notice): void {
    if (this.#seen.has(line.id)) return;
    this.#seen.add(line.id);
    const { scrollHeight, scrollTop, clientHeight } = this.#pane;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 60;
    this.#list.append(line instanceof Message ? this.#message(line) : this.#notice(line));
    if (this.#seen.size > MOST_LINES) this.#forgetOldest();
    if (isAtEnd) this.#pane.scrollTop = this.#pane.scrollHeight;
  }

  #forgetOldest(): void {
    const [oldest = ''] = this.#seen;
    this.#seen.delete(oldest);
    this.#list.firstElementChild?.remove();
  }

  #message(message: Message): HTMLLIElement {
    const { author, text, at } = message;
    const follows =
      this.#last?.author.id === author.id && at.getTime() - this.#last.at.getTime() < TOGETHER_MS;
    this.#last = message;
    const body = make('p', 'text', text);
    if (follows) return make('li', 'message follows', makeTime(at), body);
    const head = make('p', 'head', makeName(author), makeTime(at));
    return make('li', 'message', makeAvatar(author), head, body);
  }

  #notice(notice: Notice): HTMLLIElement {
    this.#last = undefined;
    const { kind, moderator, person, reason, at } = notice;
    const told = make('p', '', `${moderator.name} ${TOLD[kind]} ${person.name}`);
    if (reason !== '') told.append(': ', make('q', '', reason));
    const item = make('li', `notice ${kind}`, told, makeTime(at));
    const lifted = LIFTED[kind];
    const lift = this.#lift;
    if (lift !== undefined && lifted !== undefined)
      item.append(makeButton(lifted, `${lifted}: ${person.name}`, () => lift(notice)));
    return item;
  }
}

function makeTime(at: Date): HTMLTimeElement {
  const time = make('time', '', toClock(at));
  time.dateTime = at.toISOString();
  return time;
}

/** A time of today, as people write it. */
export function toClock(at: Date): string {
  return at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
