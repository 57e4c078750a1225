import { type ImageData, type ImageUpdate, PIXEL_COUNT, START_COLOR } from '../../src/image.js';

/** Whose pixel an update was, as far as this page can tell. */
export type Author = 'you' | 'others';

/**
 * The image as this page shows it: what the server sent, and over it what was drawn here and has
 * not come back yet. The server's word stands: once nothing is under way, the two are the same.
 */
export class Board {
  #pixels = new Uint8Array(PIXEL_COUNT).fill(START_COLOR);
  /** Colours drawn here and not seen again yet, oldest first, by pixel. */
  readonly #drawn = new Map<number, number[]>();

  /** Takes the server's image; whatever was under way is either in it or lost. */
  reset(image: ImageData): void {
    this.#pixels = image.pixels.slice();
    this.#drawn.clear();
  }

  /** Shows a pixel at once. Says no if it has that colour already. */
  draw({ pixelIndex, colorIndex }: ImageUpdate): boolean {
    if (this.colorAt(pixelIndex) === colorIndex) return false;
    const drawn = this.#drawn.get(pixelIndex);
    if (drawn === undefined) this.#drawn.set(pixelIndex, [colorIndex]);
    else drawn.push(colorIndex);
    return true;
  }

  /** Takes back a pixel the server didn't accept. */
  undo(update: ImageUpdate): void {
    this.#forget(update);
  }

  /** Takes an update from the server. */
  apply(update: ImageUpdate): Author {
    this.#pixels[update.pixelIndex] = update.colorIndex;
    return this.#forget(update) ? 'you' : 'others';
  }

  /** The colour to show; a pixel that is drawn here covers the server's. */
  colorAt(pixelIndex: number): number {
    return this.#drawn.get(pixelIndex)?.at(-1) ?? this.#pixels[pixelIndex] ?? START_COLOR;
  }

  #forget({ pixelIndex, colorIndex }: ImageUpdate): boolean {
    const drawn = this.#drawn.get(pixelIndex);
    const at = drawn?.indexOf(colorIndex) ?? -1;
    if (drawn === undefined || at < 0) return false;
    drawn.splice(at, 1);
    if (drawn.length === 0) this.#drawn.delete(pixelIndex);
    return true;
  }
}
