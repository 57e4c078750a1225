import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MessageBus } from 'nestjs-streaming';
import { ImageData, ImageUpdate, PIXEL_COUNT, START_COLOR } from './image.js';

/** The channel on which every server hears of every pixel. */
export const PIXEL_ADDED = 'pixel-added';

/**
 * This server's copy of the image. It changes through the channel alone, never directly: servers
 * that share a bus apply the same updates in the same order, whoever published them.
 */
@Injectable()
export class Picture implements OnModuleInit {
  readonly #pixels = new Uint8Array(PIXEL_COUNT).fill(START_COLOR);

  constructor(private readonly bus: MessageBus) {}

  onModuleInit(): void {
    this.bus.addListener(PIXEL_ADDED, (message) => this.#apply(message));
  }

  /** The image as it is now; a copy that later updates don't touch. */
  snapshot(): ImageData {
    return ImageData.of(this.#pixels.slice());
  }

  /** Tells every server, this one too. Both indexes must be in range. */
  async publish(pixelIndex: number, colorIndex: number): Promise<void> {
    await this.bus.publish(PIXEL_ADDED, ImageUpdate.of(pixelIndex, colorIndex));
  }

  #apply(message: unknown): void {
    if (message instanceof ImageUpdate) this.#pixels[message.pixelIndex] = message.colorIndex;
  }
}
