import type { ClientLimits } from 'nestjs-streaming/client';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from './browser/chromium.js';
import { PixoramaPage } from './pixorama/page.js';
import { PixoramaServer } from './pixorama/server.js';
import { PixoramaViewer } from './pixorama/viewer.js';

let server: PixoramaServer;

beforeEach(async () => {
  server = await PixoramaServer.start();
});

afterEach(async () => {
  await server.stop();
});

describe('Pixorama', () => {
  let viewers: PixoramaViewer[] = [];

  function call(limits: Partial<ClientLimits> = {}): PixoramaViewer {
    const viewer = new PixoramaViewer(server.streamingUrl, limits);
    viewers.push(viewer);
    return viewer;
  }

  async function open(): Promise<PixoramaViewer> {
    const viewer = call();
    await viewer.watch();
    return viewer;
  }

  afterEach(async () => {
    await Promise.all(viewers.map((viewer) => viewer.close()));
    viewers = [];
  });

  it('sends the whole image first and single pixels after it', async () => {
    const viewer = await open();
    await viewer.setPixel(5, 0);
    await viewer.setPixel(6, 4095);
    await viewer.untilUpdates(2);

    expect(viewer.firstImage).toEqual(new Uint8Array(64 * 64).fill(2));
    expect(viewer.firstImageSize).toEqual({ width: 64, height: 64 });
    expect(viewer.updates).toEqual([
      { pixelIndex: 0, colorIndex: 5 },
      { pixelIndex: 4095, colorIndex: 6 },
    ]);
  });

  it('puts what was drawn before into the image a new viewer gets', async () => {
    const first = await open();
    await first.setPixel(9, 100);

    const second = await open();

    expect(second.firstImage[100]).toBe(9);
    expect(second.updates).toEqual([]);
  });

  it('loses no pixel that is set after the snapshot and before the next item is asked for', async () => {
    const writer = await open();
    // With credit for one item the handler stands still behind its snapshot until that is read.
    const late = call({ windowItems: 1 });
    await late.opened();
    await writer.setPixel(12, 77);
    await late.watch();
    await late.untilUpdates(1);

    expect(late.firstImage[77]).toBe(2);
    expect(late.updates).toEqual([{ pixelIndex: 77, colorIndex: 12 }]);
  });

  it('loses no pixel that is set while viewers open', async () => {
    const writer = await open();
    const drawing = drawAll(writer, (index) => [index % 16, index], 4095);
    const late: PixoramaViewer[] = [];
    for (let count = 0; count < 20; count++) late.push(await open());
    await drawing;

    await agree(late, writer);
    expect(late.some((viewer) => viewer.updates.length > 1)).toBe(true);
    expect(writer.pixels).toEqual(Uint8Array.from({ length: 4096 }, (_, index) => index % 16));
  });

  it('shows a pixel to every viewer exactly once, to the sender too', async () => {
    const sender = await open();
    const other = await open();
    await sender.setPixel(7, 1234);
    await sender.setPixel(8, 1235);

    for (const viewer of [sender, other]) {
      await viewer.untilUpdates(2);
      expect(viewer.updates).toEqual([
        { pixelIndex: 1234, colorIndex: 7 },
        { pixelIndex: 1235, colorIndex: 8 },
      ]);
    }
  });

  it.each([
    [16, 0, /colorIndex must be an integer from 0 to 15/],
    [-1, 0, /colorIndex must be an integer from 0 to 15/],
    [1.5, 0, /colorIndex must be an integer from 0 to 15/],
    [null, 0, /argument 1 must be a number/],
    ['3', 0, /argument 1 must be a number/],
    [3, 4096, /pixelIndex must be an integer from 0 to 4095/],
    [3, -1, /pixelIndex must be an integer from 0 to 4095/],
    [3, 0.5, /pixelIndex must be an integer from 0 to 4095/],
    [3, [0], /argument 2 must be a number/],
  ])(
    'refuses setPixel(%j, %j) with a sentence, and changes nothing',
    async (color, pixel, sentence) => {
      const viewer = await open();

      await expect(viewer.setAnyPixel(color, pixel)).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(sentence),
      });

      await viewer.setPixel(4, 1);
      await viewer.untilUpdates(1);
      expect(viewer.updates).toEqual([{ pixelIndex: 1, colorIndex: 4 }]);
      const fresh = await open();
      expect(fresh.firstImage).toEqual(new Uint8Array(4096).fill(2).fill(4, 1, 2));
    },
  );

  it('brings all viewers to one image, however many draw at once', async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, () => open()));

    // Everyone draws on the same small patch, so that only one common order gives one image.
    await Promise.all(
      writers.map((writer, number) =>
        drawAll(writer, (step) => [(step + number) % 16, (step * (number + 1)) % 61], 300),
      ),
    );

    const latecomer = await open();
    await agree(writers, latecomer);
    expect(writers.map((writer) => writer.updates.length)).toEqual(writers.map(() => 8 * 300 + 1));
  });

  /** A pixel set last has reached everyone; so has all before it, and the images are the same. */
  async function agree(viewers: PixoramaViewer[], like: PixoramaViewer): Promise<void> {
    await like.setPixel(15, 4095);
    for (const viewer of [like, ...viewers])
      await viewer.untilUpdate({ colorIndex: 15, pixelIndex: 4095 });
    for (const viewer of viewers) expect(viewer.pixels).toEqual(like.pixels);
  }
});

/** Sets pixels as fast as they are accepted, 50 at a time. */
async function drawAll(
  writer: PixoramaViewer,
  pixel: (step: number) => [color: number, index: number],
  count: number,
): Promise<void> {
  for (let step = 0; step < count; step += 50) {
    const length = Math.min(50, count - step);
    await Promise.all(Array.from({ length }, (_, at) => writer.setPixel(...pixel(step + at))));
  }
}

describe('the Pixorama page in Chromium', () => {
  const WIDE = { viewport: { width: 1280, height: 800 } };
  const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  let browser: Browser;
  let visitors: PixoramaPage[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterEach(async () => {
    const errors = visitors.flatMap((visitor) => visitor.errors);
    visitors = [];
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(errors).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function visit(options = WIDE): Promise<PixoramaPage> {
    const context = await browser.newContext({ ...options, deviceScaleFactor: 1 });
    const visitor = new PixoramaPage(await context.newPage());
    visitors.push(visitor);
    await visitor.page.goto(server.pageUrl);
    await visitor.says('connected');
    return visitor;
  }

  it('shows on one page what is drawn on another, and counts whose pixels they are', async () => {
    const [ada, ben] = [await visit(), await visit()];
    await ada.choose('Cherry');
    await ada.drag({ column: 5, row: 10 }, { column: 25, row: 10 });
    await ben.choose('Cobalt');
    await ben.drag({ column: 40, row: 3 }, { column: 40, row: 12 });

    for (const visitor of [ada, ben]) {
      for (const column of [5, 15, 25]) await visitor.shows('Cherry', { column, row: 10 });
      for (const row of [3, 8, 12]) await visitor.shows('Cobalt', { column: 40, row });
      await visitor.shows('Paper', { column: 26, row: 10 });
    }
    await expect.poll(() => ada.tally()).toEqual({ you: '21', others: '10' });
    await expect.poll(() => ben.tally()).toEqual({ you: '10', others: '21' });
  });

  it('draws with a finger on a phone', async () => {
    const [phone, desk] = [await visit(PHONE), await visit()];
    await phone.choose('Leaf');
    await phone.swipe({ column: 10, row: 20 }, { column: 30, row: 40 });

    await desk.shows('Leaf', { column: 10, row: 20 });
    await desk.shows('Leaf', { column: 20, row: 30 });
    await desk.shows('Leaf', { column: 30, row: 40 });
  });

  it('draws with the keyboard alone', async () => {
    const [ada, ben] = [await visit(), await visit()];
    await ada.page.getByRole('radio', { checked: true }).focus();
    await ada.page.keyboard.press('ArrowRight');
    await ada.page.locator('canvas').focus();
    for (const key of ['ArrowUp', 'Space', 'ArrowLeft', 'Enter'])
      await ada.page.keyboard.press(key);

    await ben.shows('Violet', { column: 32, row: 31 });
    await ben.shows('Violet', { column: 31, row: 31 });
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'says that the server is gone after %s, recovers once it is back, and draws on',
    async (signal) => {
      const [ada, ben] = [await visit(), await visit()];
      await ada.choose('Sun');
      await ada.drag({ column: 8, row: 8 }, { column: 12, row: 8 });
      await ben.shows('Sun', { column: 12, row: 8 });

      await server.stop(signal);
      for (const visitor of [ada, ben]) {
        await visitor.says('reconnecting');
        expect(await visitor.statusText()).toContain('The server is away');
      }
      await ada.drag({ column: 20, row: 20 }, { column: 25, row: 20 });

      await server.start();
      for (const visitor of [ada, ben]) {
        await visitor.says('connected');
        // The new process knows neither the old image nor what was tried meanwhile.
        await visitor.shows('Paper', { column: 8, row: 8 });
        await visitor.shows('Paper', { column: 22, row: 20 });
      }
      await ben.choose('Teal');
      await ben.drag({ column: 50, row: 50 }, { column: 55, row: 55 });
      await ada.shows('Teal', { column: 55, row: 55 });
    },
    60_000,
  );
});
