import { CloseCode } from './close-codes.js';
import type { FrameDecoder } from './codec.js';
import { createDecoder, createEncoder } from './create-codec.js';
import { FrameWriter } from './frame-writer.js';
import { dispatchFrame, type FrameHandler, FrameType } from './frames.js';
import { type InboundMessage, Intake, type IntakePort } from './intake.js';
import { KeepAlive } from './keep-alive.js';
import type { Limits } from './limits.js';
import type { ModelPort } from './model-port.js';
import type { Schedule } from './schedule.js';
import type { StreamError } from './stream-error.js';
import type { Transport } from './transport.js';
import type { CodecName } from './version.js';
import { ProtocolViolation } from './violation.js';

/** What a link is made of. */
export interface LinkParts {
  readonly transport: Transport;
  readonly codec: CodecName;
  readonly models: ModelPort;
  readonly limits: Limits;
  readonly schedule: Schedule;
  /** Whether the peer may send one run to a list of streams: a server does. @default false */
  readonly mayList?: boolean;
}

/** The frames a link hands on; pings it answers itself. */
export interface LinkHandler extends FrameHandler {
  /** The socket's send buffer is below its bound again: producers may write. */
  roomAgain(): void;
  /** The connection is over; called once, and nothing after it. */
  closed(code: number, reason: string): void;
  /** An error in this side's own code came up while a message was taken in; the link closes. */
  broken(error: unknown): void;
}

/** The code of a connection that went without a word: nobody waits for what it sent last. */
const BROKEN = 1006;

/** One end of a connection: frames in, frames out, keep-alive, the way it closes. */
export class Link {
  readonly writer: FrameWriter;
  readonly #transport: Transport;
  readonly #decoder: FrameDecoder;
  readonly #handler: LinkHandler;
  readonly #keepAlive: KeepAlive;
  readonly #intake: Intake;
  readonly #limits: Limits;
  #stalled: ReturnType<typeof setTimeout> | undefined;
  #open = true;
  #unreadable = 0;
  #message: InboundMessage = { bytes: 0 };

  constructor(parts: LinkParts, handler: LinkHandler) {
    const { transport, codec, models, limits } = parts;
    this.#transport = transport;
    this.#limits = limits;
    this.#handler = handler;
    this.#decoder = createDecoder(codec, models, limits, parts.mayList);
    const encoder = createEncoder(codec, models, limits);
    this.writer = new FrameWriter(encoder, transport, limits, parts.schedule, {
      full: () => this.#full(),
      roomAgain: () => this.#roomAgain(),
      forbidden: () => this.close(CloseCode.internal, 'out of touch for too long'),
    });
    const port = {
      ping: () => this.writer.frame([FrameType.ping]),
      dead: () => this.#giveUp(CloseCode.keepAliveTimeout, 'no answer to a ping'),
    };
    this.#intake = new Intake(this.#intakePort(), parts.schedule);
    this.#keepAlive = new KeepAlive(port, limits.pingIntervalMs, limits.pongTimeoutMs);
    this.#keepAlive.start();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** The message that the frame came in which is handed on now. */
  get message(): InboundMessage {
    return this.#message;
  }

  /** Takes in a message; for the transport's maker. */
  receive(message: string | Uint8Array): void {
    if (!this.#open) return;
    this.#keepAlive.heard();
    const inbound: InboundMessage = { bytes: message.length };
    this.#guard(() => {
      this.#decoder.decode(message, (frame, problem) => {
        this.#intake.frame(frame, problem, inbound);
      });
    });
  }

  /** The send buffer ran empty; for the transport's maker. */
  drained(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.writer.drained();
    this.#roomAgain();
  }

  /** The socket is closed, behind all it brought, or broke; for the transport's maker. */
  closed(code: number, reason: string): void {
    if (code === BROKEN) this.#over(code, reason);
    else this.#intake.whenEmpty(() => this.#over(code, reason));
  }

  /**
   * Sends what was written, then closes. For this side the connection is over at once; what the
   * peer still sends is ignored.
   */
  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.writer.end();
    this.#transport.close(code, reason);
    this.#over(code, reason);
  }

  /** Closes without waiting for a peer that doesn't answer. */
  #giveUp(code: number, reason: string): void {
    if (!this.#open) return;
    this.#transport.terminate();
    this.#over(code, reason);
  }

  #over(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#intake.drop();
    this.#keepAlive.stop();
    clearTimeout(this.#stalled);
    this.#handler.closed(code, reason);
  }

  #intakePort(): IntakePort {
    return {
      take: (frame, problem, message) => this.#dispatch(frame, problem, message),
      pause: () => this.#transport.pause?.(),
      resume: () => this.#transport.resume?.(),
      guard: (run) => this.#guard(run),
    };
  }

  /** Runs what takes in the peer's frames: what it throws closes the connection. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof ProtocolViolation) return this.close(error.closeCode, error.message);
      this.#handler.broken(error);
      this.close(CloseCode.internal, 'an error inside');
    }
  }

  #dispatch(frame: unknown[], problem: StreamError | undefined, message: InboundMessage): void {
    if (!this.#open) return;
    this.#message = message;
    this.#countUnreadable(problem !== undefined);
    if (frame[0] === FrameType.ping) this.writer.frame([FrameType.pong]);
    else if (frame[0] !== FrameType.pong) dispatchFrame(frame, problem, this.#handler);
  }

  #countUnreadable(isOne: boolean): void {
    if (!isOne) this.#unreadable = Math.max(0, this.#unreadable - 1);
    else if (++this.#unreadable > this.#limits.unreadableFrames) {
      throw new ProtocolViolation('too much that can not be read');
    }
  }

  #roomAgain(): void {
    if (this.#open) this.#handler.roomAgain();
  }

  /** The socket's buffer is above its bound; a peer that reads nothing of it is given up. */
  #full(): void {
    if (!this.#open) return;
    const { stalledBufferBytes, stalledMs } = this.#limits;
    if (this.writer.unpausedBytes > stalledBufferBytes) return this.#giveUpStalled();
    const before = this.#transport.bufferedBytes;
    if (this.#stalled !== undefined || before <= stalledBufferBytes) return;
    this.#stalled = setTimeout(() => {
      this.#stalled = undefined;
      if (this.#transport.bufferedBytes < before) this.#full();
      else this.#giveUpStalled();
    }, stalledMs);
  }

  #giveUpStalled(): void {
    this.#giveUp(CloseCode.socketNotRead, 'the socket is not read');
  }
}
