import type { StreamingClient } from 'nestjs-streaming/client';
import { ImageData, type ImageUpdate } from '../../src/image.js';
import type { PixoramaController } from '../../src/pixorama.controller.js';

export type PixoramaClient = StreamingClient<{ pixorama: PixoramaController }>;

export interface PictureFeedListener {
  /** The whole image: first of all, and again whenever the feed had to begin anew. */
  image(image: ImageData): void;
  update(update: ImageUpdate): void;
  /** The feed broke off, or could not begin; it tries again by itself. */
  interrupted(error: unknown): void;
}

/** After an error of the call rather than of the connection, for which the client itself waits. */
const RETRY_MS = 1_000;

const CONNECTION_ERRORS: ReadonlySet<unknown> = new Set([
  'connect-failed',
  'connect-timeout',
  'connection-lost',
]);

/** Follows the image for as long as the page is open, across every loss of the server. */
export async function followPicture(
  client: PixoramaClient,
  listener: PictureFeedListener,
): Promise<never> {
  for (;;) {
    const error = await followOnce(client, listener);
    listener.interrupted(error);
    if (!CONNECTION_ERRORS.has(codeOf(error))) await pause(RETRY_MS);
  }
}

async function followOnce(client: PixoramaClient, listener: PictureFeedListener): Promise<unknown> {
  try {
    for await (const item of client.pixorama.imageUpdates()) {
      if (item instanceof ImageData) listener.image(item);
      else listener.update(item);
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
