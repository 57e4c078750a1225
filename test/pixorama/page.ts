import type { Page } from 'playwright-core';
import { COLORS } from '../../sample/pixorama/page/src/colors.js';

export type PageStatus = 'connecting' | 'connected' | 'reconnecting';

interface Cell {
  readonly column: number;
  readonly row: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The page as someone uses it, and the canvas as someone sees it. */
export class PixoramaPage {
  readonly page: Page;
  /** What the page threw and nobody caught. */
  readonly errors: Error[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error));
  }

  /** Resolves once the page says so. */
  async says(status: PageStatus): Promise<void> {
    await this.page.locator(`#status[data-status="${status}"]`).waitFor();
  }

  /** The words of the status, as they are shown. */
  statusText(): Promise<string> {
    return this.page.locator('#status').innerText();
  }

  async choose(colorName: string): Promise<void> {
    await this.page.getByRole('radio', { name: colorName, exact: true }).check();
  }

  /** Draws a straight line with the mouse, and takes the mouse off the canvas. */
  async drag(from: Cell, to: Cell): Promise<void> {
    const { mouse } = this.page;
    const [start, end] = [await this.#pointOf(from), await this.#pointOf(to)];
    await mouse.move(start.x, start.y);
    await mouse.down();
    await mouse.move(end.x, end.y);
    await mouse.up();
    await mouse.move(0, 0);
  }

  /** Draws a straight line with a finger, as the browser's own input pipeline delivers it. */
  async swipe(from: Cell, to: Cell): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: Point[]) =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints });
    await touch('touchStart', [await this.#pointOf(from)]);
    await touch('touchMove', [await this.#pointOf(to)]);
    await touch('touchEnd', []);
    await session.detach();
  }

  /** Resolves once the canvas shows this colour in the cell. */
  async shows(colorName: string, { column, row }: Cell): Promise<void> {
    const rgb = COLORS.find((color) => color.name === colorName)?.rgb;
    await this.page.waitForFunction(
      ([x, y, expected]) => {
        const canvas = document.querySelector('canvas');
        const size = (canvas?.width ?? 0) / 64;
        const middle = [(x + 0.5) * size, (y + 0.5) * size].map(Math.floor);
        const data = canvas?.getContext('2d')?.getImageData(middle[0] ?? 0, middle[1] ?? 0, 1, 1);
        return data?.data.slice(0, 3).join() === expected;
      },
      [column, row, rgb?.join()] as const,
      { timeout: 10_000 },
    );
  }

  /** What the page counted. */
  async tally(): Promise<{ you: string; others: string }> {
    return {
      you: await this.page.locator('#own-count').innerText(),
      others: await this.page.locator('#other-count').innerText(),
    };
  }

  async #pointOf({ column, row }: Cell): Promise<Point> {
    const box = await this.page.locator('canvas').boundingBox();
    if (box === null) throw new Error('The canvas is not shown.');
    return {
      x: box.x + ((column + 0.5) * box.width) / 64,
      y: box.y + ((row + 0.5) * box.height) / 64,
    };
  }
}
