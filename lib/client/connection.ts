import { fromErrorBody } from '../model/error-body.js';
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
import { connectionLost, INPUT_FAILED, toInputErrorBody } from './errors.js';

/** What a connection tells its client. */
export interface ConnectionListener {
  /** The server has welcomed the client: calls may be opened. */
  ready(connection: ClientConnection): void;
  /** The server goes away: no call is to be opened here any more. */
  draining(connection: ClientConnection): void;
  /** The last call is over. */
  idle(connection: ClientConnection): void;
  /** The connection is over; its calls fail now. Called once. */
  closed(connection: ClientConnection, code: number, reason: string): void;
}

/** One connection, from the client's side: its calls by number. */
export class ClientConnection {
  readonly #link: Link;
  readonly #listener: ConnectionListener;
  readonly #limits: LinkParts['limits'];
  readonly #calls = new Map<number, ClientCall>();
  /** Of the inputs, by their numbers: those of a call follow its own. */
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
    });
    let stream = id;
    for (const input of call.inputs.values()) this.#startInput(call, ++stream, input);
    // Starting an input runs its owner's code, which may have ended the call.
    if (call.isOver) this.#stopInputs(id, call);
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
      error: (id, body, problem) => this.#finish(id)?.failed(fromErrorBody(body, problem)),
      cancel: (stream) => this.#stopInput(this.#known(stream, this.#pumps), stream),
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
    this.#known(id, this.#calls)?.opened(kind);
  }

  #item(id: number, size: number, frame: unknown[]): void {
    const call = this.#known(id, this.#calls);
    if (call === undefined || call.inbox.receive(frame, FIRST_ITEM, size)) return;
    throw new ProtocolViolation('more items than were granted', CloseCode.creditExceeded);
  }

  #unreadable(id: number, problem: StreamError): void {
    const call = this.#known(id, this.#calls);
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
    const call = this.#known(id, this.#calls);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    this.#stopInputs(id, call);
    this.#checkIdle();
    return call;
  }

  #stopInputs(id: number, call: ClientCall): void {
    for (let stream = id + 1; stream <= id + call.inputs.size; stream++) {
      this.#stopInput(this.#pumps.get(stream), stream);
    }
  }

  /** Forgotten at once: a source that hangs may never settle. */
  #stopInput(pump: Pump | undefined, stream: number): void {
    this.#pumps.delete(stream);
    pump?.stop();
  }

  #checkIdle(): void {
    if (this.#calls.size === 0) this.#listener.idle(this);
  }

  #startInput(call: ClientCall, stream: number, input: unknown): void {
    const port = this.#inputPort(call, stream);
    const credit = this.#inputCredit as Credit;
    try {
      const source = toSource(input, {
        capacity: this.#limits.windowItems,
        overflowError,
      }) as Source;
      const pump = new Pump(source, port, credit.items, credit.bytes);
      this.#pumps.set(stream, pump);
      void pump.run();
    } catch (error) {
      port.fail(error);
    }
  }

  #inputPort(call: ClientCall, stream: number): PumpPort {
    const writer = this.#link.writer;
    return {
      get hasRoom() {
        return writer.hasRoom;
      },
      write: (item) => writer.item(stream, item),
      end: () => writer.frame([FrameType.end, stream]),
      fail: (error) => {
        call.inputFailed(error);
        this.#inputFailed(stream, error);
      },
      settled: () => void this.#pumps.delete(stream),
    };
  }

  /** What the error says of itself may be what can't be sent. */
  #inputFailed(stream: number, error: unknown): void {
    try {
      this.#link.writer.frame([FrameType.error, stream, toInputErrorBody(error)]);
    } catch {
      this.#link.writer.frame([FrameType.error, stream, INPUT_FAILED]);
    }
  }

  /** The client hears of it first: a source that is stopped may make a call, which must not come here. */
  #closed(code: number, reason: string): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    this.#listener.closed(this, code, reason);
    const told = reason === '' ? `${code}` : `${code}, ${reason}`;
    for (const [id, call] of calls) {
      this.#stopInputs(id, call);
      call.failed(connectionLost(told));
    }
  }
}

function overflowError(): unknown {
  return new SlowConsumerError();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
