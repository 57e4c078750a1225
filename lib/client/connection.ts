import { fromErrorBody } from '../model/error-body.js';
import { CloseCode } from '../protocol/close-codes.js';
import { type Credit, FIRST_ITEM, FrameType } from '../protocol/frames.js';
import { firstCredit } from '../protocol/limits.js';
import { Link, type LinkHandler, type LinkParts } from '../protocol/link.js';
import { StreamError } from '../protocol/stream-error.js';
import { ProtocolViolation } from '../protocol/violation.js';
import type { ClientCall } from './call.js';
import { connectionLost } from './errors.js';
import { SentInputs } from './sent-inputs.js';

/** What a connection tells its client. */
export interface ConnectionListener {
  /** The server has welcomed the client: calls may be opened. */
  ready(connection: ClientConnection): void;
  /** The server goes away: no call is to be opened here any more. */
  draining(connection: ClientConnection): void;
  /** The server wishes fresh credentials. */
  credentialsAsked(connection: ClientConnection): void;
  /** A call was refused before it had begun, and waits to be opened again. */
  refused(connection: ClientConnection, call: ClientCall, error: StreamError): void;
  /** The last call is over. */
  idle(connection: ClientConnection): void;
  /** The connection is over; its calls fail now. Called once. */
  closed(connection: ClientConnection, code: number, reason: string): void;
}

/** One connection, from the client's side: its calls by number. */
export class ClientConnection {
  readonly #link: Link;
  readonly #listener: ConnectionListener;
  readonly #calls = new Map<number, ClientCall>();
  readonly #inputs: SentInputs;
  #next = 1;
  #presented = 0;
  #isAsked = false;
  #isDraining = false;
  #inputCredit: Credit | undefined;

  constructor(parts: LinkParts, credentials: string | null, listener: ConnectionListener) {
    this.#listener = listener;
    this.#link = new Link({ ...parts, mayList: true }, this.#handler());
    this.#inputs = new SentInputs(this.#link.writer, parts.limits.windowItems);
    const { items, bytes } = firstCredit(parts.limits);
    this.#link.writer.frame([FrameType.hello, [items, bytes], credentials]);
    this.#link.writer.flush();
  }

  get callCount(): number {
    return this.#calls.size;
  }

  /** How often credentials were presented behind the first frame. */
  get presented(): number {
    return this.#presented;
  }

  /** Whether the server waits for fresh credentials. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** For the transport's maker. */
  receive(message: string | Uint8Array): void {
    this.#link.receive(message);
  }

  /** For the transport's maker. */
  drained(): void {
    this.#link.drained();
  }

  /** For the transport's maker. */
  closed(code: number, reason: string): void {
    this.#link.closed(code, reason);
  }

  /** Opens a call. Only after `ready`. A call whose arguments can't be sent fails by itself. */
  open(call: ClientCall): void {
    if (!this.#link.isOpen) return call.failed(connectionLost('closed meanwhile'));
    const id = this.#next;
    const places = [...call.inputs.keys()];
    try {
      this.#link.writer.frame([FrameType.open, id, call.method, call.args, places]);
    } catch (error) {
      call.failed(new StreamError('invalid-argument', messageOf(error), { cause: error }));
      return this.#checkIdle();
    }
    this.#next += 1 + places.length;
    this.#calls.set(id, call);
    call.attach({
      grant: (items, bytes) => this.#grant(id, items, bytes),
      cancel: () => this.#cancel(id),
      presented: this.#presented,
    });
    this.#inputs.start(id, call, this.#inputCredit as Credit);
    // Starting an input runs its owner's code, which may have ended the call.
    if (call.isOver) this.#inputs.stop(id, call);
  }

  /** Presents new credentials for the calls that will be opened. */
  present(credentials: string | null): void {
    this.#link.writer.frame([FrameType.credentials, credentials]);
    this.#presented++;
    this.#isAsked = false;
  }

  /** Closes the connection; calls that are open fail. */
  close(): void {
    this.#link.close(CloseCode.normal, '');
  }

  #handler(): LinkHandler {
    return {
      welcome: (_, credit, messageBytes) => this.#welcome(credit, messageBytes),
      opened: (id, kind) => this.#call(id)?.opened(kind),
      item: (id, size, frame) => this.#item(id, size, frame),
      unreadable: (id, problem) => this.#unreadable(id, problem),
      end: (id) => this.#finish(id)?.ended(),
      error: (id, body, problem) => this.#failed(id, fromErrorBody(body, problem)),
      cancel: (stream) => this.#inputs.cancel(this.#known(stream)),
      credit: (stream, credit) => this.#inputs.grant(this.#known(stream), credit),
      credentials: (given) => this.#askedFor(given),
      drain: () => this.#drain(),
      roomAgain: () => this.#inputs.resume(),
      closed: (code, reason) => this.#closed(code, reason),
      broken: () => undefined,
    };
  }

  #welcome(credit: Credit, messageBytes: number): void {
    if (this.#inputCredit !== undefined) throw new ProtocolViolation('a second welcome');
    this.#link.writer.limitMessages(messageBytes);
    this.#inputCredit = credit;
    this.#listener.ready(this);
  }

  #askedFor(given: string | null): void {
    if (given !== null) throw new ProtocolViolation('credentials from a server');
    this.#isAsked = true;
    this.#listener.credentialsAsked(this);
  }

  #drain(): void {
    this.#isDraining = true;
    this.#listener.draining(this);
  }

  #item(id: number, size: number, frame: unknown[]): void {
    const call = this.#call(id);
    call?.begun();
    if (call === undefined || call.inbox.receive(frame, FIRST_ITEM, size)) return;
    throw new ProtocolViolation('more items than were granted', CloseCode.creditExceeded);
  }

  /** A call that was refused may be opened again: then its inputs are only detached from here. */
  #failed(id: number, error: StreamError): void {
    const call = this.#call(id);
    const isAgain = call?.refused(error.code, this.#isDraining) === true;
    this.#finish(id);
    if (isAgain) this.#listener.refused(this, call, error);
    else call?.failed(error);
  }

  #unreadable(id: number, problem: StreamError): void {
    const call = this.#call(id);
    if (call === undefined) return;
    this.#cancel(id);
    call.failed(problem);
  }

  /** The call a frame names; `undefined` for one that is over, whose late frames mean nothing. */
  #call(id: number): ClientCall | undefined {
    return this.#calls.get(this.#known(id));
  }

  /** The number a frame names, which some call must have taken. */
  #known(number: number): number {
    if (number < this.#next) return number;
    throw new ProtocolViolation('a frame for a call that never was');
  }

  #grant(id: number, items: number, bytes: number): void {
    if (this.#calls.has(id)) this.#link.writer.frame([FrameType.credit, id, items, bytes]);
  }

  #cancel(id: number): void {
    if (!this.#calls.has(id)) return;
    this.#link.writer.frame([FrameType.cancel, id]);
    this.#finish(id);
  }

  /** Lets a call go: its inputs are told to stop. */
  #finish(id: number): ClientCall | undefined {
    const call = this.#call(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    this.#inputs.stop(id, call);
    this.#checkIdle();
    return call;
  }

  #checkIdle(): void {
    if (this.#calls.size === 0) this.#listener.idle(this);
  }

  /** The client hears of it first: a source that is stopped may make a call, which must not come here. */
  #closed(code: number, reason: string): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    this.#listener.closed(this, code, reason);
    const why = reason === '' && code === CloseCode.normal ? 'it was closed by its client' : reason;
    const told = why === '' ? `${code}` : `${code}, ${why}`;
    for (const [id, call] of calls) {
      this.#inputs.stop(id, call);
      call.failed(connectionLost(told));
    }
  }
}

function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'An argument can not be sent.';
  }
}
