import { HEIGHT, WIDTH } from '../../src/image.js';

/** A pixel's place: columns from the left, rows from the top. */
export interface Cell {
  readonly column: number;
  readonly row: number;
}

export interface BrushListener {
  /** The brush stands over a cell, or nowhere. */
  moved(cell: Cell | undefined): void;
  painted(cell: Cell): void;
}

const STEPS: ReadonlyMap<string, readonly [columns: number, rows: number]> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
]);

/** Turns mouse, pen, fingers and keys on the canvas into painted cells. */
export class Brush {
  readonly #canvas: HTMLCanvasElement;
  readonly #listener: BrushListener;
  /** Where each finger that is down was last; two fingers draw two lines. */
  readonly #strokes = new Map<number, Cell>();
  #cursor: Cell = { column: WIDTH / 2, row: HEIGHT / 2 };

  constructor(canvas: HTMLCanvasElement, listener: BrushListener) {
    this.#canvas = canvas;
    this.#listener = listener;
  }

  /** Begins to listen; lasts as long as the canvas. */
  attach(): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#lift(event));
    canvas.addEventListener('pointercancel', (event) => this.#lift(event));
    canvas.addEventListener('pointerleave', () => this.#listener.moved(undefined));
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('blur', () => this.#listener.moved(undefined));
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    const cell = this.#cellAt(event);
    this.#strokes.set(event.pointerId, cell);
    this.#place(cell);
    this.#listener.painted(cell);
  }

  #move(event: PointerEvent): void {
    // A fast hand makes several moves between two frames: all of them belong to the line.
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length > 0 ? moves : [event]) this.#stroke(event.pointerId, move);
    this.#place(this.#cellAt(event));
  }

  #stroke(pointerId: number, event: PointerEvent): void {
    const from = this.#strokes.get(pointerId);
    if (from === undefined) return;
    const to = this.#cellAt(event);
    for (const cell of lineBetween(from, to)) if (isInside(cell)) this.#listener.painted(cell);
    this.#strokes.set(pointerId, to);
  }

  #lift(event: PointerEvent): void {
    this.#strokes.delete(event.pointerId);
    if (event.pointerType !== 'mouse') this.#listener.moved(undefined);
  }

  #key(event: KeyboardEvent): void {
    const step = STEPS.get(event.key);
    const paints = event.key === ' ' || event.key === 'Enter';
    if (step === undefined && !paints) return;
    event.preventDefault();
    const [columns, rows] = step ?? [0, 0];
    this.#place({
      column: clamp(this.#cursor.column + columns, WIDTH),
      row: clamp(this.#cursor.row + rows, HEIGHT),
    });
    if (paints) this.#listener.painted(this.#cursor);
  }

  #place(cell: Cell): void {
    if (isInside(cell)) this.#cursor = cell;
    this.#listener.moved(isInside(cell) ? cell : undefined);
  }

  #cellAt(event: PointerEvent): Cell {
    const box = this.#canvas.getBoundingClientRect();
    return {
      column: Math.floor(((event.clientX - box.left) / box.width) * WIDTH),
      row: Math.floor(((event.clientY - box.top) / box.height) * HEIGHT),
    };
  }
}

function isInside({ column, row }: Cell): boolean {
  return column >= 0 && column < WIDTH && row >= 0 && row < HEIGHT;
}

function clamp(value: number, count: number): number {
  return Math.min(Math.max(value, 0), count - 1);
}

/** The cells of a straight line, without its first. */
function* lineBetween(from: Cell, to: Cell): Generator<Cell> {
  const columns = to.column - from.column;
  const rows = to.row - from.row;
  const steps = Math.max(Math.abs(columns), Math.abs(rows));
  for (let step = 1; step <= steps; step++) {
    yield {
      column: from.column + Math.round((columns * step) / steps),
      row: from.row + Math.round((rows * step) / steps),
    };
  }
}
