import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { MessageBus, type StreamingSession } from 'nestjs-streaming';
import { settings } from '../settings.js';
import { type Group, Store } from '../store/store.js';
import type { User } from '../users/user.js';
import { toPerson } from './people.js';
import { Members, Person } from './room.models.js';
import type { Room } from './rooms.js';

const BEAT_MS = settings.presenceSeconds * 1_000;
/** Those whose server says nothing for so long are gone: it has died. */
const TTL_MS = 3 * BEAT_MS;

/** Knows who is in which room, on all servers: each keeps its own people in the store. */
@Injectable()
export class PresenceService implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger(PresenceService.name);
  readonly #server = randomUUID();
  /** Who is in a room through this server, by call. */
  readonly #here = new Map<string, { readonly room: Room; readonly person: Person }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Store,
    private readonly bus: MessageBus,
  ) {}

  onModuleInit(): void {
    this.#timer = setInterval(() => void this.#beat(), BEAT_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.#timer);
  }

  /** Somebody is in the room as long as this call runs. */
  async enter(room: Room, user: User, { id }: StreamingSession): Promise<void> {
    const key = `${this.#server}:${id}`;
    const person = toPerson(user);
    this.#here.set(key, { room, person });
    await this.#of(room).set(key, person);
    await this.bus.publish(room.comings, null);
  }

  async leave(room: Room, { id }: StreamingSession): Promise<void> {
    const key = `${this.#server}:${id}`;
    this.#here.delete(key);
    await this.#of(room).delete(key);
    await this.bus.publish(room.comings, null);
  }

  /** Who is in the room, now and after each change, for as long as the call runs. */
  async *follow(room: Room, { messages }: StreamingSession): AsyncGenerator<Members> {
    // However many come at once, one look at the store tells of all of them.
    const comings = messages.subscribe(room.comings, { overflow: 'latest' });
    await comings.ready;
    let shown = await this.#members(room);
    yield shown;
    for await (const _ of comings) {
      const members = await this.#members(room);
      if (isSame(members, shown)) continue;
      shown = members;
      yield members;
    }
  }

  /** Somebody with several devices in the room is one person. */
  async #members(room: Room): Promise<Members> {
    const present = await this.#of(room).list();
    const people = [...new Map(present.map((person) => [person.id, person])).values()]
      .map((person) => Object.assign(new Person(), person))
      .sort((a, b) => a.name.localeCompare(b.name));
    return Object.assign(new Members(), { people });
  }

  /** Keeps our people in the store, and has our readers look whether others' servers have died. */
  async #beat(): Promise<void> {
    const here = [...this.#here];
    try {
      await Promise.all(here.map(([key, { room, person }]) => this.#of(room).set(key, person)));
      const rooms = new Set(here.map(([, { room }]) => room));
      for (const { comings } of rooms) void this.bus.publish(comings, null, { scope: 'local' });
    } catch (error) {
      this.#logger.warn(`Presence could not be kept: ${String(error)}`);
    }
  }

  #of(room: Room): Group<Person> {
    return this.store.group<Person>(`presence:${room.id}`, TTL_MS);
  }
}

function isSame(a: Members, b: Members): boolean {
  const idsOf = ({ people }: Members) => people.map(({ id }) => id).join();
  return idsOf(a) === idsOf(b);
}
