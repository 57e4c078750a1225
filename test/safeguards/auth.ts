import type { Safeguard } from './safeguard.js';

const CONNECTION = 'lib/auth/connection-authentication.ts';
const AUTHORIZATION = 'lib/auth/call-authorization.ts';
const KEPT = 'lib/auth/kept-revocations.ts';
const NEST = 'lib/nest/streaming-authentication.ts';

const UNIT = 'lib/auth/authentications.spec.ts';
const TURNS = 'lib/auth/call-authorization.spec.ts';
const AT_ONCE = 'The authorization of a call whose guards answer at once';
const REVOCATION = 'test/nest/auth-revocation.spec.ts';
const IN_ONE = 'No item is written after a revocation resolved';
const LEASE = 'test/nest/auth-lease.spec.ts';
const OUT_OF_TOUCH = 'A server that is out of touch for longer than its lease';
const RACES = 'test/auth/races.spec.ts';
const IN_THREE = 'After a revocation resolved, none of three servers writes an item of its calls';

/** What stands between a revocation, or an expiry, and an item that is written all the same. */
export const AUTH_SAFEGUARDS: readonly Safeguard[] = [
  {
    name: 'the call that is entered before its guards are asked',
    guards: 'a revocation between their yes and the first item would miss it',
    file: AUTHORIZATION,
    text: `    this.#who.add(this);
    this.#call.onOver(() => this.#over());
    await this.#askUntilSettled(() => this.#admitted());
`,
    replacement: `    await this.#askUntilSettled(() => this.#admitted());
    this.#who.add(this);
    this.#call.onOver(() => this.#over());
`,
    spec: TURNS,
    test: `${AT_ONCE} misses no revocation, at whatever turn it comes while the call is opened`,
  },
  {
    name: 'a yes of the guards that counts in the very turn of the last look',
    guards: 'a revocation one turn later would be overlooked',
    file: AUTHORIZATION,
    text: `    allowed();
`,
    replacement: `    await undefined;
    allowed();
`,
    spec: TURNS,
    test: `${AT_ONCE} misses no revocation, at whatever turn it comes while guards are asked again`,
  },
  {
    name: 'guards that are asked again when something was taken while they thought',
    guards: 'their answer to who it was before would count',
    file: AUTHORIZATION,
    text: 'asked !== this.#who.version &&',
    replacement: 'Number.isNaN(asked) &&',
    spec: REVOCATION,
    test: `${IN_ONE} while a guard waits, on house`,
  },
  {
    name: 'the call that is held before its guards are asked again',
    guards: 'items would be written while they think',
    file: AUTHORIZATION,
    text: "if (change.why !== 'renewed') this.#hold();",
    replacement: "if (change.why === 'expired') this.#hold();",
    spec: REVOCATION,
    test: 'A revocation keeps a call from writing for as long as its guard thinks, and loses no item of it',
  },
  {
    name: 'the item that is kept where it comes to a call that is held',
    guards: 'what the handler gives just then would be written',
    file: 'lib/stream/pump.ts',
    text: 'if (this.#isHeld) return this.#wait(() => this.#given(result));',
    replacement: '',
    spec: REVOCATION,
    test: 'A revocation keeps a call from writing for as long as its guard thinks, and loses no item of it',
  },
  {
    name: 'sending what was gathered before a revocation is confirmed',
    guards: 'items that were gathered would be sent after it resolved',
    file: CONNECTION,
    text: `{ why: 'revoked', by: revocation.kind });
    this.#peer.flush();`,
    replacement: "{ why: 'revoked', by: revocation.kind });",
    spec: REVOCATION,
    test: `${IN_ONE} with items queued`,
  },
  {
    name: 'the look at kept revocations when the authenticator has answered',
    guards: 'what was revoked while it worked would stand',
    file: CONNECTION,
    text: 'answer.info === null ? NOBODY : revocations.leftOf(answer.info, since);',
    replacement: 'answer.info === null || since < 0 ? NOBODY : answer;',
    spec: UNIT,
    test: 'Authentications takes the credentials from guards where a kept revocation leaves nothing',
  },
  {
    name: 'the authenticator that is asked again when a revocation came while it worked',
    guards: 'who is granted again meanwhile would stay nobody',
    file: CONNECTION,
    text: 'if (isStale && tries < MOST_TRIES) continue;',
    replacement: '',
    spec: UNIT,
    test: 'Authentications asks the authenticator again when a revocation comes while it works',
  },
  {
    name: 'the revoked sign-in that is remembered',
    guards: 'it would be let in again by an authenticator that only checks a signature',
    file: KEPT,
    text: "if (kept.revocation.kind === 'auth') return true;",
    replacement: '',
    spec: UNIT,
    test: 'Authentications never admits a revoked sign-in again',
  },
  {
    name: 'the time at which a token was issued, held against that of a revocation',
    guards: 'a token that is older than the revocation would be let in again',
    file: KEPT,
    text: 'return info.issuedAt !== undefined && info.issuedAt.getTime() <= kept.at;',
    replacement: 'return false;',
    spec: REVOCATION,
    test: 'A revocation while the client is disconnected holds for tokens that show they are older',
  },
  {
    name: 'applying a revocation before it is confirmed',
    guards: 'its promise would resolve while another server still writes',
    file: NEST,
    text: 'apply: (entry, at) => this.#all?.apply(entry, at),',
    replacement: 'apply: (entry, at) => void setTimeout(() => this.#all?.apply(entry, at), 10),',
    spec: RACES,
    test: `${IN_THREE} where it came with items in the queue`,
  },
  {
    name: 'the lease that guarded calls are held by when it is over',
    guards: 'a server that is cut off would go on writing for ever',
    file: NEST,
    text: 'isCurrent: () => this.#log?.isCurrent === true,',
    replacement: 'isCurrent: () => true,',
    also: {
      file: NEST,
      text: 'this.#all.suspend();',
      replacement: '',
    },
    spec: LEASE,
    test: `${OUT_OF_TOUCH} writes no item of a guarded call and opens none; public calls flow`,
  },
  {
    name: 'the look at the clock before anything gathered is sent',
    guards: 'a server that was stopped would write when it is woken',
    file: NEST,
    text: 'connection.guardFlush(() => who.mayFlush);',
    replacement: '',
    spec: LEASE,
    test: `${OUT_OF_TOUCH} notices it before it writes, although nobody has told it yet`,
  },
  {
    name: 'that look for what calls left that are over',
    guards: 'the value of a call that is over would be sent by a server that may not',
    file: CONNECTION,
    text: 'this.#hasGathered ||= call.mayWrite;',
    replacement: '',
    spec: LEASE,
    test: `${OUT_OF_TOUCH} does not send the value of a call that is over by then`,
  },
  {
    name: 'refusing guarded calls while revocations may be missing',
    guards: 'somebody who is revoked could open one',
    file: AUTHORIZATION,
    text: 'if (!this.#who.isCurrent) throw unavailable();',
    replacement: '',
    spec: UNIT,
    test: 'Authentications holds guarded calls while revocations may be missing, and opens none',
  },
  {
    name: 'authenticating everyone again when revocations may be lost for ever',
    guards: 'who was revoked by one of them would go on',
    file: CONNECTION,
    text: 'if (!isWhole) this.#askOnceMore();',
    replacement: '',
    spec: LEASE,
    test: `${OUT_OF_TOUCH} authenticates everyone again when revocations may have been lost for ever`,
  },
  {
    name: 'calls that belong to who opened them',
    guards: 'whoever signs in next on the connection would get the items of a call',
    file: AUTHORIZATION,
    text: 'if (user !== this.#user) throw credentialsRefused();',
    replacement: '',
    spec: UNIT,
    test: 'Authentications gives the calls of a user to nobody else who signs in once that one is revoked',
  },
  {
    name: 'refusing the credentials of another user',
    guards: 'the calls of the first one would go on as those of the second',
    file: CONNECTION,
    text: 'return String(info.userId) === String(before.userId);',
    replacement: 'return true;',
    spec: UNIT,
    test: 'Authentications keeps its user when credentials of another one come, and drains the connection',
  },
  {
    name: 'the credentials that are taken from the headers',
    guards: 'a guard that looks there would say yes to who was revoked',
    file: CONNECTION,
    text: 'if (this.#isRevoked) return null;',
    replacement: '',
    spec: REVOCATION,
    test: 'A revocation takes the credentials from the headers, and gives them back when they are renewed',
  },
  {
    name: 'the end of an authentication when its time comes',
    guards: 'its calls would go on for ever',
    file: CONNECTION,
    text: "over: () => this.#change(NOBODY, { why: 'expired' }),",
    replacement: 'over: () => {},',
    spec: UNIT,
    test: 'an authentication that expires asks for fresh credentials before, and ends guarded calls then',
  },
  {
    name: 'the bound on failed presentations',
    guards: 'credentials could be guessed without end over one connection',
    file: CONNECTION,
    text: 'this.#peer.refuse();',
    replacement: '',
    spec: UNIT,
    test: 'Authentications closes a connection whose credentials fail again and again',
  },
];
