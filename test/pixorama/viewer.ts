import {
  type ClientLimits,
  createStreamingClient,
  type OutputStream,
  type StreamingClient,
} from 'nestjs-streaming/client';
import { ImageData, ImageUpdate } from '../../sample/pixorama/src/image.js';
import type { PixoramaController } from '../../sample/pixorama/src/pixorama.controller.js';

/** The endpoint as a client without types could call it. */
type Untyped = { setPixel(...args: unknown[]): Promise<void> };

/** Someone who watches the image and draws, over a real client with a connection of its own. */
export class PixoramaViewer {
  readonly updates: ImageUpdate[] = [];
  readonly #client: StreamingClient<{ pixorama: PixoramaController }>;
  readonly #output: OutputStream<ImageData | ImageUpdate>;
  readonly #watchers = new Set<() => void>();
  #image: ImageData | undefined;
  #pixels = new Uint8Array();
  #failure: { readonly error: unknown } | undefined;

  constructor(url: string, limits: Partial<ClientLimits> = {}) {
    const models = [ImageData, ImageUpdate];
    this.#client = createStreamingClient({ url, models, limits, codec: 'msgpack' });
    this.#output = this.#client.pixorama.imageUpdates();
  }

  /** Resolves once the server runs the call; nothing is read yet. */
  async opened(): Promise<void> {
    await this.#output;
  }

  /** Begins to read; resolves with the first item, and rejects if that is no image. */
  async watch(): Promise<void> {
    const items = this.#output[Symbol.asyncIterator]();
    this.#begin((await items.next()).value);
    this.#follow(items).catch((error: unknown) => {
      this.#failure = { error };
      this.#notify();
    });
  }

  /** The image as it came first. */
  get firstImage(): Uint8Array {
    return this.#image?.pixels ?? new Uint8Array();
  }

  get firstImageSize(): { width: number; height: number } {
    return { width: this.#image?.width ?? 0, height: this.#image?.height ?? 0 };
  }

  /** The image as it is now: the first one, with every update applied. */
  get pixels(): Uint8Array {
    return this.#pixels;
  }

  async setPixel(colorIndex: number, pixelIndex: number): Promise<void> {
    await this.#client.pixorama.setPixel(colorIndex, pixelIndex);
  }

  /** Calls it with arguments that the types would not let through. */
  async setAnyPixel(colorIndex: unknown, pixelIndex: unknown): Promise<void> {
    const untyped = this.#client.pixorama as unknown as Untyped;
    await untyped.setPixel(colorIndex, pixelIndex);
  }

  untilUpdates(count: number): Promise<void> {
    return this.#until(() => this.updates.length >= count);
  }

  /** Resolves once this update has come as the latest, or did so before. */
  untilUpdate({
    pixelIndex,
    colorIndex,
  }: Pick<ImageUpdate, 'pixelIndex' | 'colorIndex'>): Promise<void> {
    return this.#until(() =>
      this.updates.some((seen) => seen.pixelIndex === pixelIndex && seen.colorIndex === colorIndex),
    );
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #begin(first: unknown): void {
    if (!(first instanceof ImageData)) throw new Error('The first item is not the image.');
    this.#image = first;
    this.#pixels = first.pixels.slice();
  }

  async #follow(items: AsyncIterator<ImageData | ImageUpdate>): Promise<void> {
    for (let item = await items.next(); item.done !== true; item = await items.next()) {
      if (!(item.value instanceof ImageUpdate)) throw new Error('A later item is no pixel.');
      this.updates.push(item.value);
      this.#pixels[item.value.pixelIndex] = item.value.colorIndex;
      this.#notify();
    }
  }

  #notify(): void {
    for (const check of this.#watchers) check();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const isMet = condition();
        if (!isMet && this.#failure === undefined) return;
        this.#watchers.delete(check);
        if (isMet) resolve();
        else reject(this.#failure?.error);
      };
      this.#watchers.add(check);
      check();
    });
  }
}
