import { HEIGHT, PIXEL_COUNT, WIDTH } from '../../src/image.js';
import type { Board } from './board.js';
import type { Cell } from './brush.js';
import { COLORS, toCss } from './colors.js';

/** How long someone else's pixel stands out. */
const RIPPLE_MS = 700;

/** Below this many device pixels a cell is too small for grid lines. */
const MIN_GRID_CELL = 6;

/** Paints the board, the brush's cell, and a ripple where someone else just drew. */
export class CanvasView {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #board: Board;
  /** The board at one pixel per pixel, to be scaled up in one go. */
  readonly #small: CanvasRenderingContext2D;
  readonly #bitmap: ImageData;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  /** When each ripple began, by pixel: no more than there are pixels, even in a hidden page. */
  readonly #ripples = new Map<number, number>();
  #cursor: Cell | undefined;
  #cursorColor = '';
  #cellSize = 1;
  #frame: number | undefined;

  constructor(canvas: HTMLCanvasElement, board: Board) {
    this.#canvas = canvas;
    this.#board = board;
    this.#context = contextOf(canvas);
    const small = document.createElement('canvas');
    small.width = WIDTH;
    small.height = HEIGHT;
    this.#small = contextOf(small);
    this.#bitmap = this.#small.createImageData(WIDTH, HEIGHT);
  }

  /** Makes the canvas as large as fits, with cells of whole device pixels. */
  fit(availableWidth: number, availableHeight: number): void {
    const ratio = window.devicePixelRatio;
    const side = Math.min(availableWidth / WIDTH, availableHeight / HEIGHT);
    this.#cellSize = Math.max(1, Math.floor(side * ratio));
    this.#canvas.width = WIDTH * this.#cellSize;
    this.#canvas.height = HEIGHT * this.#cellSize;
    this.#canvas.style.width = `${this.#canvas.width / ratio}px`;
    this.#canvas.style.height = `${this.#canvas.height / ratio}px`;
    this.redraw();
  }

  pointAt(cell: Cell | undefined, color: string): void {
    this.#cursor = cell;
    this.#cursorColor = color;
    this.redraw();
  }

  ripple(pixelIndex: number): void {
    if (!this.#calm.matches) this.#ripples.set(pixelIndex, performance.now());
    this.redraw();
  }

  /** Paints with the next frame, however often it is asked. */
  redraw(): void {
    this.#frame ??= requestAnimationFrame((nowMs) => this.#paint(nowMs));
  }

  #paint(nowMs: number): void {
    this.#frame = undefined;
    this.#paintPixels();
    if (this.#cellSize >= MIN_GRID_CELL) this.#paintGrid();
    for (const [pixelIndex, startMs] of this.#ripples) {
      this.#paintRipple(pixelIndex, (nowMs - startMs) / RIPPLE_MS);
    }
    if (this.#cursor !== undefined) this.#paintCursor(this.#cursor);
    if (this.#ripples.size > 0) this.redraw();
  }

  #paintPixels(): void {
    const { data } = this.#bitmap;
    for (let index = 0; index < PIXEL_COUNT; index++) {
      const rgb = COLORS[this.#board.colorAt(index)]?.rgb ?? [0, 0, 0];
      data.set([rgb[0], rgb[1], rgb[2], 255], index * 4);
    }
    this.#small.putImageData(this.#bitmap, 0, 0);
    this.#context.imageSmoothingEnabled = false;
    this.#context.drawImage(this.#small.canvas, 0, 0, this.#canvas.width, this.#canvas.height);
  }

  #paintGrid(): void {
    const { width, height } = this.#canvas;
    this.#context.fillStyle = 'rgb(27 28 40 / 0.06)';
    for (let column = 1; column < WIDTH; column++) {
      this.#context.fillRect(column * this.#cellSize, 0, 1, height);
    }
    for (let row = 1; row < HEIGHT; row++) {
      this.#context.fillRect(0, row * this.#cellSize, width, 1);
    }
  }

  #paintRipple(pixelIndex: number, progress: number): void {
    const color = COLORS[this.#board.colorAt(pixelIndex)];
    if (progress >= 1 || color === undefined) return void this.#ripples.delete(pixelIndex);
    // The frame's clock may stand a little before the moment the update arrived.
    const distance = Math.max(0, progress);
    this.#context.globalAlpha = (1 - distance) ** 2;
    this.#strokeCell(pixelIndex % WIDTH, Math.floor(pixelIndex / WIDTH), toCss(color), distance);
    this.#context.globalAlpha = 1;
  }

  #paintCursor({ column, row }: Cell): void {
    const size = this.#cellSize;
    this.#context.fillStyle = this.#cursorColor;
    this.#context.fillRect(column * size, row * size, size, size);
    this.#strokeCell(column, row, 'rgb(255 255 255 / 0.9)', 0.1);
    this.#strokeCell(column, row, 'rgb(27 28 40 / 0.8)', 0.25);
  }

  /** A square around a cell, `distance` cells away from it. */
  #strokeCell(column: number, row: number, style: string, distance: number): void {
    const size = this.#cellSize;
    const gap = distance * size;
    this.#context.strokeStyle = style;
    this.#context.lineWidth = Math.max(1, size / 6);
    this.#context.strokeRect(column * size - gap, row * size - gap, size + 2 * gap, size + 2 * gap);
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser has no 2D canvas.');
  return context;
}
