import type { Server, Socket } from 'node:net';
import { ITEM_TEXT, sharedNow } from './token.js';

/** An item that was given to a socket after the revocation of its call had resolved. */
export interface LateItem {
  readonly call: string;
  readonly item: number;
  readonly delayMs: number;
}

export interface Written {
  /** How many items of the calls asked for were written at all. */
  readonly items: number;
  /** Of how many of these calls. */
  readonly calls: number;
  readonly late: readonly LateItem[];
}

/** Notes each item at the moment a server gives it to a socket. */
export class WireNotes {
  /** By call: an item's number and when it was written, and so on. */
  readonly #notes = new Map<string, number[]>();

  /** `wrote` hears of each write: of which call it was, and how much waits in the socket then. */
  watch(server: Server, wrote: (call: string, waitingBytes: number) => void): void {
    server.on('connection', (socket) => this.#watch(socket, wrote));
  }

  /** What was written of calls, and later than the moments that stand behind their names. */
  written(ends: readonly (readonly [call: string, endedAt: number])[]): Written {
    const noted = ends.filter(([call]) => this.#notes.has(call));
    return {
      items: noted.reduce((sum, [call]) => sum + this.#of(call).length / 2, 0),
      calls: noted.length,
      late: noted.flatMap(([call, endedAt]) => this.#late(call, endedAt)),
    };
  }

  #late(call: string, endedAt: number): LateItem[] {
    const notes = this.#of(call);
    const late: LateItem[] = [];
    for (let i = 0; i < notes.length; i += 2) {
      const delayMs = (notes[i + 1] ?? 0) - endedAt;
      if (delayMs > 0) late.push({ call, item: notes[i] ?? -1, delayMs });
    }
    return late;
  }

  #of(call: string): number[] {
    return this.#notes.get(call) ?? [];
  }

  #watch(socket: Socket, wrote: (call: string, waitingBytes: number) => void): void {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = ((...args: unknown[]) => {
      const at = sharedNow();
      const call = this.#note(Buffer.from(args[0] as Uint8Array).toString('latin1'), at);
      const result = write(...args);
      if (call !== undefined) wrote(call, socket.writableLength);
      return result;
    }) as typeof socket.write;
  }

  /** The call of the last item in what is written. */
  #note(text: string, at: number): string | undefined {
    let last: string | undefined;
    for (const [, call = '', item] of text.matchAll(ITEM_TEXT)) {
      last = call;
      const notes = this.#notes.get(call);
      if (notes === undefined) this.#notes.set(call, [Number(item), at]);
      else notes.push(Number(item), at);
    }
    return last;
  }
}
