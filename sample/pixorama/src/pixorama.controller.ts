import { BadRequestException, Controller } from '@nestjs/common';
import { StreamingMethod, StreamingSession, StreamSession } from 'nestjs-streaming';
import { COLOR_COUNT, ImageData, ImageUpdate, PIXEL_COUNT } from './image.js';
import { Picture, pixelAdded } from './picture.js';

@Controller()
export class PixoramaController {
  constructor(private readonly picture: Picture) {}

  /** The whole image, then every pixel that anyone sets, from the place where the image was taken. */
  @StreamingMethod({ yields: () => [ImageData, ImageUpdate] })
  async *imageUpdates(
    @StreamSession() session: StreamingSession,
  ): AsyncGenerator<ImageData | ImageUpdate> {
    const { image, position } = this.picture.snapshot();
    const updates = session.messages.subscribe(pixelAdded, { since: position });
    yield image;
    yield* updates;
  }

  /** Sets one pixel for everyone. */
  @StreamingMethod()
  async setPixel(colorIndex: number, pixelIndex: number): Promise<void> {
    requireIndex('colorIndex', colorIndex, COLOR_COUNT);
    requireIndex('pixelIndex', pixelIndex, PIXEL_COUNT);
    await this.picture.publish(pixelIndex, colorIndex);
  }
}

function requireIndex(name: string, value: unknown, count: number): void {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) < count) return;
  throw new BadRequestException(`${name} must be an integer from 0 to ${count - 1}.`);
}
