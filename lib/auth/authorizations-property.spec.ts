import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthenticationInfo } from './authentication-info.js';
import type { ConnectionAuthentication } from './connection-authentication.js';
import type { Revocation } from './revocation.js';
import { NotedCall, Room, settle } from './spec/room.js';

const TOKENS: Readonly<Record<string, AuthenticationInfo>> = {
  phone: { userId: 'anna', authId: 'phone', scopes: ['read', 'draw'] },
  laptop: { userId: 'anna', authId: 'laptop', scopes: ['draw'] },
  ben: { userId: 'ben', scopes: ['draw'] },
};

const GUARDS = {
  login: (info: AuthenticationInfo | null) => info !== null,
  draw: (info: AuthenticationInfo | null) => info?.scopes?.includes('draw') ?? false,
  none: () => true,
};

const REVOCATIONS: readonly Revocation[] = [
  { kind: 'user', userId: 'anna' },
  { kind: 'user', userId: 'ben' },
  { kind: 'auth', userId: 'anna', authId: 'phone' },
  { kind: 'scopes', userId: 'anna', scopes: ['draw'] },
];

type Guard = keyof typeof GUARDS;

type Event =
  | readonly ['open', guard: Guard, guardTurns: number]
  | readonly ['revoke', Revocation]
  | readonly ['present', string | null]
  | readonly ['suspend']
  | readonly ['resume', isWhole: boolean];

interface Opened {
  readonly call: NotedCall;
  readonly guard: Guard;
}

/** One connection, and what happens to it. */
class Scene {
  readonly #opened: Opened[] = [];
  readonly #tokens = new Map(Object.entries(TOKENS));
  readonly #room: Room;
  readonly #who: ConnectionAuthentication;
  /** Nothing was presented beside what it came with. */
  #isSteady = true;

  constructor(credentials: string, authenticatorTurns: number) {
    const authenticate = async (presented: string | null) => {
      const info = this.#tokens.get(presented ?? '') ?? null;
      await turns(authenticatorTurns);
      return info;
    };
    this.#room = new Room({
      authenticate,
      failuresPerConnection: 1_000,
      isCurrent: () => this.#room.isCurrent,
    });
    this.#who = this.#room.connect(credentials);
  }

  happen(event: Event): void {
    if (event[0] === 'open') this.#open(event[1], event[2]);
    else if (event[0] === 'revoke') this.#revoke(event[1]);
    else if (event[0] === 'present') this.#present(event[1]);
    else if (event[0] === 'suspend') this.#suspend();
    else this.#resume(event[1]);
  }

  /** Each call has ended, or goes on for somebody whom its guard lets in. */
  async check(): Promise<void> {
    this.#resume(true);
    for (let turn = 0; turn < 6; turn++) await settle();
    for (const { call, guard } of this.#running()) {
      expect([call.holds, call.authorization.mayWrite]).toEqual([0, true]);
      expect(GUARDS[guard](this.#who.info)).toBe(true);
    }
  }

  #open(guard: Guard, guardTurns: number): void {
    const call = new NotedCall(this.#who, async () => {
      const { info } = this.#who;
      await turns(guardTurns);
      return GUARDS[guard](info);
    });
    this.#opened.push({ call, guard });
    call.authorization.admit().catch((error: unknown) => call.fail(error));
  }

  #present(credentials: string | null): void {
    this.#isSteady = false;
    this.#who.present(credentials);
  }

  /** The application has taken it from its tokens before. */
  #revoke(revocation: Revocation): void {
    for (const [token, info] of this.#tokens) {
      const left = without(info, revocation);
      if (left === null) this.#tokens.delete(token);
      else this.#tokens.set(token, left);
    }
    this.#room.revoke(revocation);
    if (this.#isSteady) expect(this.#running().filter((it) => this.#writesInVain(it))).toEqual([]);
  }

  #suspend(): void {
    this.#room.isCurrent = false;
    this.#room.all.suspend();
  }

  #resume(isWhole: boolean): void {
    this.#room.isCurrent = true;
    this.#room.all.resume(isWhole);
  }

  #running(): Opened[] {
    return this.#opened.filter(({ call }) => call.error === undefined);
  }

  #writesInVain({ call, guard }: Opened): boolean {
    return call.authorization.mayWrite && !GUARDS[guard](this.#who.info);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

function without(info: AuthenticationInfo, revocation: Revocation): AuthenticationInfo | null {
  if (revocation.userId !== info.userId) return info;
  if (revocation.kind === 'scopes') return { ...info, scopes: ['read'] };
  return revocation.kind === 'user' || revocation.authId === info.authId ? null : info;
}

const guard = fc.constantFrom(...(Object.keys(GUARDS) as Guard[]));
const credentials = fc.constantFrom(...Object.keys(TOKENS), 'nonsense');

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.tuple(fc.constant('open' as const), guard, fc.nat(3)),
  fc.tuple(fc.constant('revoke' as const), fc.constantFrom(...REVOCATIONS)),
  fc.tuple(fc.constant('present' as const), fc.option(credentials)),
  fc.tuple(fc.constant('suspend' as const)),
  fc.tuple(fc.constant('resume' as const), fc.boolean()),
);

describe('The authorizations of a connection', () => {
  it('are those of who it is, whatever happens at whatever turn', async () => {
    const events = fc.array(fc.tuple(event, fc.nat(12)), { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(credentials, fc.nat(4), events, async (token, authenticatorTurns, all) => {
        const scene = new Scene(token, authenticatorTurns);
        for (const [next, turnsAfter] of all) {
          scene.happen(next);
          await turns(turnsAfter);
        }
        await scene.check();
      }),
      { numRuns: 5_000 },
    );
  });
});
