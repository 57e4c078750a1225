import { createStreamingClient } from 'nestjs-streaming/client';
import { ImageData, ImageUpdate, WIDTH } from '../../src/image.js';
import type { PixoramaController } from '../../src/pixorama.controller.js';
import controllerSource from '../../src/pixorama.controller.ts?raw';
import { Board } from './board.js';
import { Brush, type Cell } from './brush.js';
import { CanvasView } from './canvas-view.js';
import { element } from './element.js';
import { Palette } from './palette.js';
import { followPicture } from './picture-feed.js';
import { PixelQueue } from './pixel-queue.js';
import { renderMethod } from './source-excerpt.js';
import { StatusView } from './status-view.js';
import { Tally } from './tally.js';

const FIRST_COLOR = 11;

const client = createStreamingClient<{ pixorama: PixoramaController }>({
  url: new URL('/streaming', location.href.replace(/^http/, 'ws')).href,
  models: [ImageData, ImageUpdate],
  // Someone is looking at the page: look for the server again at least this often.
  backoff: { maxMs: 4_000 },
});

const stage = element('stage', HTMLElement);
const canvas = element('canvas', HTMLCanvasElement);
const position = element('position', HTMLOutputElement);
const board = new Board();
const view = new CanvasView(canvas, board);
const status = new StatusView(element('status', HTMLElement), stage);
const tally = new Tally(element('own-count', HTMLElement), element('other-count', HTMLElement));
const palette = new Palette(
  element('colors', HTMLFieldSetElement),
  element('color-name', HTMLOutputElement),
  FIRST_COLOR,
);

const queue = new PixelQueue(
  ({ colorIndex, pixelIndex }) => client.pixorama.setPixel(colorIndex, pixelIndex),
  {
    accepted: () => tally.count('you'),
    refused: (update, error) => {
      board.undo(update);
      view.redraw();
      if (status.status === 'connected') status.refused(messageOf(error));
    },
  },
);

function paint({ column, row }: Cell): void {
  if (status.status !== 'connected' || queue.isFull) return;
  const update = ImageUpdate.of(row * WIDTH + column, palette.colorIndex);
  if (!board.draw(update)) return;
  queue.add(update);
  view.redraw();
}

function point(cell: Cell | undefined): void {
  position.value = cell === undefined ? '' : `${cell.column}, ${cell.row}`;
  view.pointAt(cell, palette.css);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

palette.render();
new Brush(canvas, { moved: point, painted: paint }).attach();
new ResizeObserver(() => view.fit(stage.clientWidth, stage.clientHeight)).observe(stage);
renderMethod(element('code', HTMLElement), controllerSource, 'imageUpdates');

client.onStatus((clientStatus) => status.clientIs(clientStatus));
void followPicture(client, {
  image: (image) => {
    board.reset(image);
    status.imageFlows(true);
    view.redraw();
  },
  update: (update) => {
    const author = board.apply(update);
    if (author === 'you') return view.redraw();
    tally.count('others');
    view.ripple(update.pixelIndex);
  },
  interrupted: () => {
    queue.clear();
    status.imageFlows(false);
  },
});
