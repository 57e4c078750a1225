import { createStreamingClient, type StreamingClient } from 'nestjs-streaming/client';
import type { AccessToken, DeviceDto } from '../../sample/chat/src/auth/auth.dto.js';
import type { ModerationController } from '../../sample/chat/src/rooms/moderation.controller.js';
import { MayNotPost, ThrownOut } from '../../sample/chat/src/rooms/room.exceptions.js';
import {
  Draft,
  Members,
  Message,
  Notice,
  Person,
  Sentence,
} from '../../sample/chat/src/rooms/room.models.js';
import type { RoomsController } from '../../sample/chat/src/rooms/rooms.controller.js';
import type { ChatServer } from './server.js';
import { Visit } from './visit.js';

type Endpoints = { rooms: RoomsController; moderation: ModerationController };

const MODELS = [Draft, MayNotPost, Members, Message, Notice, Person, Sentence, ThrownOut];

/** Somebody's program that is signed in at a server: HTTP with a cookie, and a real client. */
export class ChatDevice {
  readonly client: StreamingClient<Endpoints>;
  /** How often it got an access token. */
  tokens = 0;
  readonly #server: ChatServer;
  #cookie = '';

  constructor(server: ChatServer) {
    this.#server = server;
    this.client = createStreamingClient<Endpoints>({
      url: server.streamingUrl,
      models: MODELS,
      credentials: () => this.#token(),
    });
  }

  static async signIn(server: ChatServer, name: string): Promise<ChatDevice> {
    const device = new ChatDevice(server);
    await device.logIn(name, `${name}-demo`);
    return device;
  }

  async logIn(name: string, password: string): Promise<void> {
    const response = await this.fetch('POST', 'auth/login', { name, password });
    if (!response.ok) throw new Error(`log-in: ${response.status}`);
    this.#cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  }

  async devices(): Promise<DeviceDto[]> {
    return (await (await this.fetch('GET', 'auth/devices')).json()) as DeviceDto[];
  }

  fetch(method: string, path: string, body?: object): Promise<Response> {
    return fetch(new URL(path, this.#server.pageUrl), {
      method,
      headers: { cookie: this.#cookie, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  }

  /** Enters a room; resolves once the server lets it in. */
  async join(roomId: string): Promise<Visit> {
    const visit = new Visit(this.client.rooms.join(roomId));
    await visit.opened;
    return visit;
  }

  post(roomId: string, text: string): Promise<void> {
    return this.client.rooms.post(roomId, Draft.of(text));
  }

  throwOut(roomId: string, userId: string, reason: string): Promise<void> {
    return this.client.moderation.throwOut(roomId, Sentence.of(userId, reason));
  }

  /** Follows who is in a room; `names` are the latest. */
  watch(roomId: string): { names: string } {
    const watched = { names: '' };
    const follow = async () => {
      for await (const { people } of this.client.rooms.members(roomId))
        watched.names = people.map(({ name }) => name).join();
    };
    // It ends with the client; what a test expects of it before, it asks for.
    follow().catch(() => {});
    return watched;
  }

  async #token(): Promise<string | null> {
    const response = await this.fetch('POST', 'auth/refresh');
    if (!response.ok) return null;
    this.tokens += 1;
    return ((await response.json()) as AccessToken).token;
  }
}
