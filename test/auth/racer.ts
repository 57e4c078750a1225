import { createStreamingClient } from '../../lib/client/index.js';
import type { RaceController } from './race-app.js';
import {
  type Method,
  openCall,
  openUpload,
  type RaceCall,
  type RaceClient,
  StalledCall,
} from './race-call.js';
import type { RaceRoom } from './race-room.js';
import type { Revoked } from './scene.js';
import type { Kind, Stage, Token } from './token.js';

const METHODS: readonly Method[] = ['secrets', 'drawings', 'own', 'value'];
const LONGEST_MS = 10_000;
const MOST_TRIES = 10;
const RETRY_MS = 200;
const ENDLESS = ' does not end';

/** What a token says beside who it is. */
export type Plan = Omit<Token, 'user' | 'grant' | 'revoke'>;

/** One user whose calls race with a revocation: on each server one, of which one server revokes. */
export class Racer {
  readonly kind: Kind;
  /** The server that revokes. */
  readonly revoker = Math.floor(Math.random() * 3);
  readonly calls: RaceCall[] = [];
  /** What the token says on all servers. */
  plan: Plan = {};
  /** Which server revokes by itself, and when. */
  trigger: { readonly at: Stage; readonly afterMs: number } | undefined;
  revocation: Revoked | undefined;
  readonly #room: RaceRoom;
  readonly clients: RaceClient[] = [];

  constructor(
    room: RaceRoom,
    readonly user: string,
  ) {
    this.#room = room;
    this.kind = pick<Kind>(['user', 'user', 'auth', 'scopes']);
  }

  /** How its calls may be guarded: so that what is taken from it ends them. */
  method(methods: readonly Method[] = METHODS): Method {
    return this.kind === 'scopes' ? 'drawings' : pick(methods);
  }

  client(server: number, grant = 1): RaceClient {
    const credentials = this.credentials(server, grant);
    const url = `ws://127.0.0.1:${this.#room.portOf(server)}/streaming`;
    const client = createStreamingClient<{ race: RaceController }>({
      url,
      credentials: () => credentials,
    });
    this.clients.push(client);
    return client;
  }

  open(client: RaceClient, method: Method): RaceCall {
    const call = openCall(client, method, this.#name(method));
    this.calls.push(call);
    return call;
  }

  /** A call on each server. */
  openAll(methods?: readonly Method[]): void {
    for (const server of [0, 1, 2]) this.open(this.client(server), this.method(methods));
  }

  upload(server: number): void {
    this.calls.push(openUpload(this.client(server), this.#name('upload'), 1));
  }

  async stall(server: number): Promise<StalledCall> {
    const port = this.#room.portOf(server);
    const method = this.method(['secrets']);
    const name = this.#name('stalled');
    const call = await StalledCall.open(port, this.credentials(server), method, name);
    this.calls.push(call);
    return call;
  }

  credentials(server: number, grant = 1): string {
    const own = server === this.revoker && grant === 1 ? this.trigger : undefined;
    const token: Token = { user: this.user, grant, ...this.plan };
    return JSON.stringify(
      own === undefined ? token : { ...token, revoke: { ...own, kind: this.kind } },
    );
  }

  /** Waits for the revocation that its server was to begin by itself. */
  async revoked(): Promise<void> {
    this.revocation = await this.#room.server(this.revoker).revoked(this.user);
  }

  /** Revokes on a server, and tries again where it can't be said that it worked, as one has to. */
  async revoke(server: number, afterMs: number): Promise<void> {
    for (let tries = 0, waitMs = afterMs; tries < MOST_TRIES; tries++, waitMs = RETRY_MS) {
      this.revocation = await this.#room.server(server).revoke(this.user, this.kind, waitMs);
      if (this.revocation.error === undefined) return;
    }
  }

  /** How its calls ended; the one that does not end is named. */
  ends(): Promise<string[]> {
    return Promise.all(this.calls.map((call) => inTime(call)));
  }

  async hasEnded(): Promise<boolean> {
    return !(await this.ends()).some((end) => end.endsWith(ENDLESS));
  }

  async leave(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close()));
  }

  #name(what: string): string {
    return `${this.user}/${what}-${this.calls.length}`;
  }
}

async function inTime({ name, over }: RaceCall): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(name + ENDLESS), LONGEST_MS);
  });
  try {
    return await Promise.race([over, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function pick<T>(values: readonly T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T;
}

/** Some part of it. */
export function jitter(ms: number): number {
  return Math.random() * ms;
}
