import { createStreamingClient, type StreamingClient } from 'nestjs-streaming/client';
import type { ModerationController } from '../../src/rooms/moderation.controller.js';
import { MayNotPost, ThrownOut } from '../../src/rooms/room.exceptions.js';
import { Draft, Members, Message, Notice, Person, Sentence } from '../../src/rooms/room.models.js';
import type { RoomsController } from '../../src/rooms/rooms.controller.js';
import type { Account } from './account.js';

/** The endpoints, typed by the controllers behind them. */
export type ChatClient = StreamingClient<Endpoints>;

type Endpoints = { rooms: RoomsController; moderation: ModerationController };

/** A client for whoever is signed in. It asks for fresh credentials before the old ones expire. */
export function createChatClient(account: Account): ChatClient {
  return createStreamingClient<Endpoints>({
    url: new URL('/streaming', location.href.replace(/^http/, 'ws')).href,
    models: [Draft, MayNotPost, Members, Message, Notice, Person, Sentence, ThrownOut],
    credentials: async () => (await account.refresh())?.token ?? null,
    // Someone is looking at the page: look for the server again at least this often.
    backoff: { maxMs: 4_000 },
  });
}
