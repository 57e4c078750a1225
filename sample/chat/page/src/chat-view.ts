import type { StreamError } from 'nestjs-streaming/client';
import type { AccessToken } from '../../src/auth/auth.dto.js';
import { Draft, type Notice, type Person, type RoomInfo } from '../../src/rooms/room.models.js';
import { makeAvatar, makeName } from './avatar.js';
import type { ChatClient } from './chat-client.js';
import { Composer } from './composer.js';
import { ConversationView } from './conversation-view.js';
import { element } from './element.js';
import { type Measure, MembersView } from './members-view.js';
import { OutcomeView } from './outcome-view.js';
import { RoomFeed } from './room-feed.js';
import { RoomsView } from './rooms-view.js';
import { SentenceDialog } from './sentence-dialog.js';

export interface ChatViewOptions {
  readonly client: ChatClient;
  readonly me: AccessToken['user'];
  readonly rooms: readonly RoomInfo[];
  /** The sign-in is over; the view has stopped. */
  readonly onSignedOut: (why: StreamError) => void;
}

/** The chat as one person sees it, one room at a time. */
export class ChatView {
  readonly #options: ChatViewOptions;
  readonly #view = element('chat', HTMLElement);
  readonly #room = element('room', HTMLElement);
  readonly #roomsView: RoomsView;
  readonly #members: MembersView;
  readonly #composer: Composer;
  readonly #outcome = new OutcomeView(() => this.#enter());
  readonly #dialog = new SentenceDialog();
  #feed: RoomFeed | undefined;

  constructor(options: ChatViewOptions) {
    const { me, rooms, client } = options;
    this.#options = options;
    this.#roomsView = new RoomsView(rooms);
    const onMeasure = me.isModerator
      ? (measure: Measure, person: Person) => this.#ask(measure, person)
      : undefined;
    this.#members = new MembersView({ myId: me.id, onMeasure });
    this.#composer = new Composer((text) => client.rooms.post(this.#current.id, Draft.of(text)));
    element('my-name', HTMLElement).replaceChildren(makeAvatar(me), makeName(me));
  }

  start(): void {
    this.#view.hidden = false;
    window.addEventListener('hashchange', this.#enter);
    this.#enter();
  }

  stop(): void {
    window.removeEventListener('hashchange', this.#enter);
    this.#feed?.stop();
    this.#dialog.close();
    this.#view.hidden = true;
  }

  /** The room that the address names, or the first one. */
  get #current(): RoomInfo {
    const { rooms } = this.#options;
    const room = rooms.find(({ id }) => `#${id}` === location.hash) ?? rooms[0];
    if (room === undefined) throw new Error('There is no room.');
    return room;
  }

  /** Leaves the room one is in and enters the current one; also when one knocks again. */
  readonly #enter = (): void => {
    this.#feed?.stop();
    const room = this.#current;
    const { client, me, onSignedOut } = this.#options;
    this.#begin(room);
    const lines = new ConversationView(me.isModerator ? (notice) => this.#lift(notice) : undefined);
    this.#feed = new RoomFeed(client, room.id, {
      flows: (isOpen) => this.#room.classList.toggle('open', isOpen),
      line: (line) => lines.add(line),
      people: (people) => this.#members.show(people),
      thrownOut: (why) => {
        this.#members.show([]);
        this.#roomsView.markClosed(room.id, true);
        this.#outcome.thrownOut(room.title, why);
      },
      signedOut: onSignedOut,
    });
    this.#feed.start();
  };

  #begin({ id, title, topic, mayPost }: RoomInfo): void {
    element('room-title', HTMLElement).textContent = title;
    element('room-topic', HTMLElement).textContent = topic;
    document.title = `${title} · Parlour`;
    this.#room.classList.remove('open');
    this.#roomsView.select(id);
    this.#roomsView.markClosed(id, false);
    this.#members.show([]);
    this.#outcome.clear();
    this.#composer.reset(mayPost);
  }

  #ask(measure: Measure, person: Person): void {
    const { moderation } = this.#options.client;
    const { id } = this.#current;
    this.#dialog.ask(measure, person, (sentence) => moderation[measure](id, sentence));
  }

  #lift({ kind, person }: Notice): void {
    const { moderation } = this.#options.client;
    const lift = kind === 'muted' ? moderation.unmute : moderation.letIn;
    void lift(this.#current.id, person.id);
  }
}
