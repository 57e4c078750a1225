import type { FrameWriter } from '../protocol/frame-writer.js';
import { type Credit, FrameType } from '../protocol/frames.js';
import { Pump, type PumpOwner } from '../stream/pump.js';
import { SlowConsumerError } from '../stream/stream-controller.js';
import type { ClientCall } from './call.js';
import type { CallInput } from './call-input.js';
import { INPUT_FAILED, toInputErrorBody } from './errors.js';

/** An input that is being sent. */
interface SentInput {
  readonly call: ClientCall;
  readonly pump: Pump;
}

/** The inputs that a connection sends, by their numbers: those of a call follow its own. */
export class SentInputs {
  readonly #writer: FrameWriter;
  /** Items of an observable that may wait. */
  readonly #capacity: number;
  readonly #inputs = new Map<number, SentInput>();

  constructor(writer: FrameWriter, capacity: number) {
    this.#writer = writer;
    this.#capacity = capacity;
  }

  /** Begins to send what a call takes, in the call's own asynchronous context. */
  start(id: number, call: ClientCall, credit: Credit): void {
    let stream = id;
    call.run(() => {
      for (const input of call.inputs.values()) this.#start(call, ++stream, input, credit);
    });
  }

  /** The call is over, or will be opened anew. */
  stop(id: number, call: ClientCall): void {
    for (let stream = id + 1; stream <= id + call.inputs.size; stream++) this.#stop(stream);
  }

  /** The server reads on. */
  grant(stream: number, { items, bytes }: Credit): void {
    const input = this.#inputs.get(stream);
    input?.call.begun();
    input?.pump.grant(items, bytes);
  }

  /** The server reads it no more. */
  cancel(stream: number): void {
    this.#inputs.get(stream)?.call.begun();
    this.#stop(stream);
  }

  /** The connection has room again. */
  resume(): void {
    for (const { pump } of this.#inputs.values()) pump.resume();
  }

  /** Forgotten at once: a source that hangs may never settle. */
  #stop(stream: number): void {
    const input = this.#inputs.get(stream);
    if (input === undefined) return;
    this.#inputs.delete(stream);
    input.call.run(() => input.pump.stop());
  }

  #start(call: ClientCall, stream: number, input: CallInput, credit: Credit): void {
    const owner = this.#owner(call, stream);
    try {
      const source = input.open({ capacity: this.#capacity, overflowError });
      const target = { writer: this.#writer, stream, owner };
      const pump = new Pump(source, target, credit.items, credit.bytes);
      this.#inputs.set(stream, { call, pump });
      pump.run();
    } catch (error) {
      owner.failed(error);
    }
  }

  #owner(call: ClientCall, stream: number): PumpOwner {
    return {
      ended: () => this.#writer.frame([FrameType.end, stream]),
      failed: (error) => {
        call.inputFailed(error);
        this.#failed(stream, error);
      },
      settled: () => void this.#inputs.delete(stream),
    };
  }

  /** What the error says of itself may be what can't be sent. */
  #failed(stream: number, error: unknown): void {
    try {
      this.#writer.frame([FrameType.error, stream, toInputErrorBody(error)]);
    } catch {
      this.#writer.frame([FrameType.error, stream, INPUT_FAILED]);
    }
  }
}

function overflowError(): unknown {
  return new SlowConsumerError();
}
