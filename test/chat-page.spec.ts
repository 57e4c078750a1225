import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './browser/chromium.js';
import { ChatPage } from './chat/page.js';
import { ChatServer } from './chat/server.js';
import { RedisServerProcess } from './redis/redis-server.js';

const LONG = 60_000;
const WIDE = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

describe('the chat in Chromium, on two servers with one Redis', () => {
  let redis: RedisServerProcess;
  let one: ChatServer;
  let two: ChatServer;
  let browser: Browser;
  let visitors: ChatPage[] = [];

  beforeAll(async () => {
    redis = await RedisServerProcess.start();
    const environment = { REDIS_URL: redis.url, ACCESS_TOKEN_SECONDS: '5' };
    [one, two, browser] = await Promise.all([
      ChatServer.start(environment),
      ChatServer.start(environment),
      launchChromium(),
    ]);
  });

  afterEach(async () => {
    const errors = visitors.flatMap((visitor) => visitor.errors);
    visitors = [];
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(errors).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await Promise.all([one?.stop(), two?.stop()]);
    await redis?.stop();
  });

  async function open(server: ChatServer, room: string, options = WIDE): Promise<ChatPage> {
    const context = await browser.newContext({ ...options, deviceScaleFactor: 1 });
    const visitor = new ChatPage(await context.newPage());
    visitors.push(visitor);
    await visitor.page.goto(`${server.pageUrl}#${room}`);
    return visitor;
  }

  /** Somebody in a browser context of their own, signed in and in a room. */
  async function visit(
    server: ChatServer,
    name: string,
    { room = 'kitchen', options = WIDE } = {},
  ): Promise<ChatPage> {
    const visitor = await open(server, room, options);
    await visitor.logIn(name);
    await visitor.isInRoom();
    return visitor;
  }

  it(
    'ends what a device streams once it is logged out in another browser, and says why',
    async () => {
      const desk = await visit(one, 'dora');
      const phone = await visit(two, 'dora', { options: PHONE });
      const ben = await visit(two, 'ben');
      await desk.say('Is this on my phone, too?');
      for (const visitor of [desk, phone, ben]) await visitor.reads('Is this on my phone, too?');

      await desk.logOutOtherDevice();

      expect(await phone.signedOut()).toBe('This device was logged out by another one of yours.');
      await desk.say('The phone is gone');
      for (const visitor of [desk, ben]) await visitor.reads('The phone is gone');
      expect(await phone.page.locator('#chat').isVisible()).toBe(false);
      await phone.page.reload();
      await phone.page.getByRole('button', { name: 'Log in' }).waitFor();
      expect(await phone.texts()).toEqual([]);
      await phone.logIn('dora');
      await phone.reads('The phone is gone');
    },
    LONG,
  );

  it(
    'ends the stream of who is thrown out with the reason on the screen, while others go on',
    async () => {
      const room = 'lobby';
      const ada = await visit(one, 'ada', { room });
      const ben = await visit(two, 'ben', { room });
      const cleo = await visit(two, 'cleo', { room });
      for (const name of ['Ada', 'Ben', 'Cleo']) await cleo.sees(name);
      await ben.say('Watches, five euros!');
      await ada.reads('Watches, five euros!');

      await ada.throwOut('Ben', 'No selling in the lobby');

      await expect.poll(() => ben.outcome()).toContain('You were thrown out of the Lobby');
      expect(await ben.outcome()).toMatch(/No selling in the lobby.*Said Ada\./s);
      for (const visitor of [ada, cleo]) {
        await visitor.page
          .locator('.notice', { hasText: 'Ada threw out Ben: No selling in the lobby' })
          .waitFor();
        await visitor.person('Ben').waitFor({ state: 'detached' });
      }
      await cleo.say('Where were we?');
      for (const visitor of [ada, cleo]) await visitor.reads('Where were we?');
      expect(await ben.texts()).not.toContain('Where were we?');
      await ben.goTo('Kitchen');

      await ben.page.getByRole('link', { name: 'Lobby' }).click();
      await expect.poll(() => ben.outcome()).toContain('No selling in the lobby');
      await ada.page.getByRole('button', { name: 'Let in again: Ben' }).click();
      await ada.page.locator('.notice.let-in').waitFor();
      await ben.page.getByRole('button', { name: 'Knock again' }).click();
      await ben.reads('Where were we?');
      await ben.say('Sorry.');
      await cleo.reads('Sorry.');
    },
    LONG,
  );

  it(
    'tells who may not write why not',
    async () => {
      const room = 'newsroom';
      const [ada, cleo] = [await visit(one, 'ada', { room }), await visit(two, 'cleo', { room })];
      await cleo.page.getByText('Only moderators write here.').waitFor();
      expect(await cleo.page.getByLabel('Message').isVisible()).toBe(false);
      await ada.say('Nothing new');
      await cleo.reads('Nothing new');

      for (const visitor of [ada, cleo]) await visitor.goTo('Kitchen');
      await ada.mute('Cleo', 'Quiet, please');
      await cleo.page.locator('.notice.muted').waitFor();
      await cleo.say('But why?');
      await cleo.page.getByText('Ada has muted you: Quiet, please').waitFor();
      expect(await cleo.page.getByLabel('Message').inputValue()).toBe('But why?');
      await ada.page.getByRole('button', { name: 'Let speak again: Cleo' }).click();
      await cleo.page.locator('.notice.unmuted').waitFor();
      await cleo.page.getByRole('button', { name: 'Send' }).click();
      await ada.reads('But why?');
    },
    LONG,
  );

  it(
    'gets fresh access tokens while messages stream, and misses none',
    async () => {
      const [ben, cleo] = [await visit(one, 'ben'), await visit(two, 'cleo')];
      const said: string[] = [];
      while ((await cleo.tokens()) < 4) {
        const text = `Word ${said.length}`;
        said.push(text);
        await ben.say(text);
        await ben.reads(text);
      }
      await cleo.reads(said.at(-1) ?? '');
      const seen = (await cleo.texts()).filter((text) => text.startsWith('Word'));
      expect(seen).toEqual(said);
    },
    LONG,
  );

  it(
    'says that its server is gone, and goes on once that is back',
    async () => {
      const [ben, cleo] = [await visit(one, 'ben'), await visit(two, 'cleo')];
      await two.stop('SIGKILL');
      await cleo.says('reconnecting');
      await ben.say('Are you there?');
      await ben.says('connected');
      await two.start();
      await cleo.says('connected');
      await cleo.reads('Are you there?');
    },
    LONG,
  );

  it('refuses a wrong password with a sentence, and fits on a phone', async () => {
    const visitor = await open(one, 'kitchen', PHONE);
    await visitor.logIn('ben', 'wrong');
    await visitor.page.getByText('The name or the password is wrong.').waitFor();
    await visitor.logIn('ben');
    await visitor.isInRoom();
    const overflow = () => document.documentElement.scrollWidth - window.innerWidth;
    expect(await visitor.page.evaluate(overflow)).toBe(0);
    await visitor.page.getByRole('button', { name: /here$/ }).click();
    await visitor.sees('Ben');
    await visitor.page.getByRole('button', { name: 'Log out' }).click();
    expect(await visitor.signedOut()).toBe('You are logged out.');
  });
});
