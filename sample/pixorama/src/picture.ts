import { Injectable, type OnModuleInit } from '@nestjs/common';
import { defineChannel, MessageBus, type Subscription } from 'nestjs-streaming';
import { ImageData, ImageUpdate, PIXEL_COUNT, START_COLOR } from './image.js';

/**
 * On it every server hears of every pixel. It keeps a day of them, so that a server which starts
 * later, or was cut off for a while, draws what it missed.
 */
export const pixelAdded = defineChannel('pixel-added', () => ImageUpdate, {
  history: { size: 20_000, ttlMs: 24 * 60 * 60 * 1000 },
});

/** The image as it was at one place of the channel. */
export interface Snapshot {
  readonly image: ImageData;
  /** Behind it follow the pixels that the image doesn't have. */
  readonly position: string | undefined;
}

/**
 * This server's copy of the image. It changes through the channel alone, never directly: servers
 * that share a bus apply the same updates in the same order, whoever published them.
 */
@Injectable()
export class Picture implements OnModuleInit {
  readonly #pixels = new Uint8Array(PIXEL_COUNT).fill(START_COLOR);
  readonly #updates: Subscription<ImageUpdate>;

  constructor(private readonly bus: MessageBus) {
    this.#updates = bus.subscribe(pixelAdded, { since: 'start' });
  }

  async onModuleInit(): Promise<void> {
    await this.#updates.ready;
    void this.#follow();
  }

  /** The image as it is now; a copy that later updates don't touch. */
  snapshot(): Snapshot {
    return { image: ImageData.of(this.#pixels.slice()), position: this.#updates.position };
  }

  /** Tells every server, this one too. Both indexes must be in range. */
  async publish(pixelIndex: number, colorIndex: number): Promise<void> {
    await this.bus.publish(pixelAdded, ImageUpdate.of(pixelIndex, colorIndex));
  }

  /** Ends when the application closes. */
  async #follow(): Promise<void> {
    for await (const { pixelIndex, colorIndex } of this.#updates) {
      this.#pixels[pixelIndex] = colorIndex;
    }
  }
}
