import { CloseCode } from '../protocol/close-codes.js';
import { type Credit, FIRST_ITEM, FrameType, type OutputKind } from '../protocol/frames.js';
import { firstCredit } from '../protocol/limits.js';
import { Link, type LinkHandler, type LinkParts } from '../protocol/link.js';
import { StreamError } from '../protocol/stream-error.js';
import { ProtocolViolation } from '../protocol/violation.js';
import { Pump, type PumpPort, type Source } from '../stream/pump.js';
import { toSource } from '../stream/source.js';
import { SlowConsumerError } from '../stream/stream-controller.js';
import type { ClientCall } from './call.js';
import { toErrorBody, toStreamError } from './errors.js';

/** What a connection tells its client. */
export interface ConnectionListener {
  /** The server has welcomed the client: calls may be opened. */
  ready(connection: ClientConnection): void;
  /** The server goes away: no call is to be opened here any more. */
  draining(connection: ClientConnection): void;
  /** The last call is over. */
  idle(connection: ClientConnection): void;
  /** The connection is over; its calls have failed. Called once. */
  closed(connection: ClientConnection, code: number, reason: string): void;
}

/** An open call's side of the wire: where its input pumps are. */
interface Entry {
  readonly call: ClientCall;
  readonly pumps: Pump[];
}

/** One connection, from the client's side: its calls by number. */
export class ClientConnection {
  readonly #link: Link;
  readonly #listener: ConnectionListener;
  readonly #limits: LinkParts['limits'];
  readonly #calls = new Map<number, Entry>();
  readonly #pumps = new Map<number, Pump>();
  #next = 1;
  #inputCredit: Credit | undefined;

  constructor(parts: LinkParts, credentials: string | null, listener: ConnectionListener) {
    this.#listener = listener;
    this.#limits = parts.limits;
    this.#link = new Link(parts, this.#handler());
    const { items, bytes } = firstCredit(parts.limits);
    this.#link.writer.frame([FrameType.hello, [items, bytes], credentials]);
    this.#link.writer.flush();
  }

  get callCount(): number {
    return this.#calls.size;
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
    const id = this.#next;
    const places = [...call.inputs.keys()];
    try {
      this.#link.writer.frame([FrameType.open, id, call.method, call.args, places]);
    } catch (error) {
      call.failed(new StreamError('invalid-argument', messageOf(error), { cause: error }));
      return this.#checkIdle();
    }
    this.#next += 1 + places.length;
    const entry: Entry = { call, pumps: [] };
    this.#calls.set(id, entry);
    call.attach({
      grant: (items, bytes) => this.#grant(id, items, bytes),
      cancel: () => this.#cancel(id),
    });
    let stream = id;
    for (const input of call.inputs.values()) this.#startInput(entry, ++stream, input);
  }

  /** Presents new credentials for the calls that will be opened. */
  present(credentials: string | null): void {
    this.#link.writer.frame([FrameType.credentials, credentials]);
  }

  /** Closes the connection; calls that are open fail. */
  close(): void {
    this.#link.close(CloseCode.normal, '');
  }

  #handler(): LinkHandler {
    return {
      welcome: (_, credit, messageBytes) => this.#welcome(credit, messageBytes),
      opened: (id, kind) => this.#opened(id, kind),
      item: (id, size, frame) => this.#item(id, size, frame),
      unreadable: (id, problem) => this.#unreadable(id, problem),
      end: (id) => this.#finish(id)?.ended(),
      error: (id, body, problem) => this.#finish(id)?.failed(problem ?? toStreamError(body)),
      cancel: (stream) => this.#known(stream, this.#pumps)?.stop(),
      credit: (stream, { items, bytes }) => this.#known(stream, this.#pumps)?.grant(items, bytes),
      drain: () => this.#listener.draining(this),
      roomAgain: () => {
        for (const pump of this.#pumps.values()) pump.resume();
      },
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

  #opened(id: number, kind: OutputKind): void {
    this.#known(id, this.#calls)?.call.opened(kind);
  }

  #item(id: number, size: number, frame: unknown[]): void {
    const entry = this.#known(id, this.#calls);
    if (entry === undefined || entry.call.inbox.receive(frame, FIRST_ITEM, size)) return;
    throw new ProtocolViolation('more items than were granted', CloseCode.creditExceeded);
  }

  #unreadable(id: number, problem: StreamError): void {
    const call = this.#known(id, this.#calls)?.call;
    if (call === undefined) return;
    this.#cancel(id);
    call.failed(problem);
  }

  /** What a frame names; `undefined` for what is over, whose late frames mean nothing. */
  #known<T>(id: number, table: ReadonlyMap<number, T>): T | undefined {
    if (id >= this.#next) throw new ProtocolViolation('a frame for a call that never was');
    return table.get(id);
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
    const entry = this.#known(id, this.#calls);
    if (entry === undefined) return undefined;
    this.#calls.delete(id);
    for (const pump of entry.pumps) pump.stop();
    this.#checkIdle();
    return entry.call;
  }

  #checkIdle(): void {
    if (this.#calls.size === 0) this.#listener.idle(this);
  }

  #startInput(entry: Entry, stream: number, input: unknown): void {
    const port = this.#inputPort(stream);
    const credit = this.#inputCredit as Credit;
    try {
      const source = toSource(input, {
        capacity: this.#limits.windowItems,
        overflowError,
      }) as Source;
      const pump = new Pump(source, port, credit.items, credit.bytes);
      entry.pumps.push(pump);
      this.#pumps.set(stream, pump);
      void pump.run();
    } catch (error) {
      port.fail(error);
    }
  }

  #inputPort(stream: number): PumpPort {
    const writer = this.#link.writer;
    return {
      get hasRoom() {
        return writer.hasRoom;
      },
      write: (item) => writer.item(stream, item),
      end: () => writer.frame([FrameType.end, stream]),
      fail: (error) => writer.frame([FrameType.error, stream, toErrorBody(error)]),
      settled: () => void this.#pumps.delete(stream),
    };
  }

  #closed(code: number, reason: string): void {
    const entries = [...this.#calls.values()];
    this.#calls.clear();
    const told = reason === '' ? `${code}` : `${code}, ${reason}`;
    for (const { call, pumps } of entries) {
      for (const pump of pumps) pump.stop();
      call.failed(new StreamError('connection-lost', `The connection was lost (${told}).`));
    }
    this.#listener.closed(this, code, reason);
  }
}

function overflowError(): unknown {
  return new SlowConsumerError();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
