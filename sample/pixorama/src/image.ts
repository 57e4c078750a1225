import { IsInt, Max, Min } from 'class-validator';
import { Serializable } from 'nestjs-streaming/client';

/** The image's size in pixels. */
export const WIDTH = 64;
export const HEIGHT = 64;
export const PIXEL_COUNT = WIDTH * HEIGHT;

/** A pixel is one byte, an index into a palette of this many colours. */
export const COLOR_COUNT = 16;

/** The colour of a pixel nobody has touched. */
export const START_COLOR = 2;

/** The whole image: row by row from the top left corner, one byte for each pixel. */
@Serializable('ImageData')
export class ImageData {
  pixels!: Uint8Array;
  width!: number;
  height!: number;

  static of(pixels: Uint8Array): ImageData {
    return Object.assign(new ImageData(), { pixels, width: WIDTH, height: HEIGHT });
  }
}

/** One pixel has a new colour. */
@Serializable('ImageUpdate')
export class ImageUpdate {
  @IsInt()
  @Min(0)
  @Max(PIXEL_COUNT - 1)
  pixelIndex!: number;

  @IsInt()
  @Min(0)
  @Max(COLOR_COUNT - 1)
  colorIndex!: number;

  static of(pixelIndex: number, colorIndex: number): ImageUpdate {
    return Object.assign(new ImageUpdate(), { pixelIndex, colorIndex });
  }
}
