import type { Locator, Page } from 'playwright-core';

/** The page as somebody uses it who is signed in, or is about to be. */
export class ChatPage {
  readonly page: Page;
  /** What the page threw and nobody caught. */
  readonly errors: Error[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error));
  }

  async logIn(name: string, password = `${name}-demo`): Promise<void> {
    await this.page.getByLabel('Name').fill(name);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Log in' }).click();
  }

  /** Resolves once the room flows. */
  async isInRoom(): Promise<void> {
    await this.page.locator('#room.open').waitFor();
  }

  async goTo(room: string): Promise<void> {
    await this.page.getByRole('link', { name: room }).click();
    await this.page.locator('#room-title', { hasText: room }).waitFor();
    await this.isInRoom();
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel('Message').fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Resolves once somebody's words are there. */
  async reads(text: string): Promise<void> {
    await this.page.locator('.text').getByText(text, { exact: true }).waitFor();
  }

  /** What was said, as it is shown. */
  texts(): Promise<string[]> {
    return this.page.locator('.text').allInnerTexts();
  }

  /** Who the page says is in the room. */
  async sees(name: string): Promise<void> {
    await this.person(name).waitFor();
  }

  person(name: string): Locator {
    return this.page.locator('#people li', { hasText: name });
  }

  async throwOut(name: string, reason: string): Promise<void> {
    await this.page.getByRole('button', { name: `Throw out: ${name}` }).click();
    await this.#sentence('Throw out', reason);
  }

  async mute(name: string, reason: string): Promise<void> {
    await this.page.getByRole('button', { name: `Mute: ${name}` }).click();
    await this.#sentence('Mute', reason);
  }

  /** Logs out the one other device there is. */
  async logOutOtherDevice(): Promise<void> {
    await this.page.getByRole('button', { name: 'Devices' }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByRole('button', { name: /^Log out:/ }).click();
    await dialog.getByRole('button', { name: /^Log out:/ }).waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Close' }).click();
  }

  /** The words on the card of who was thrown out, once it is there. */
  outcome(): Promise<string> {
    return this.page.locator('#outcome').innerText();
  }

  /** Why one has to log in again, once the page says so. */
  async signedOut(): Promise<string> {
    const why = this.page.locator('#signed-out');
    await why.waitFor();
    return why.innerText();
  }

  async says(status: 'connecting' | 'connected' | 'reconnecting'): Promise<void> {
    await this.page.locator(`#status[data-status="${status}"]`).waitFor();
  }

  /** How many access tokens the page got. */
  async tokens(): Promise<number> {
    return Number(await this.page.locator('#token').getAttribute('data-count'));
  }

  async #sentence(verb: string, reason: string): Promise<void> {
    const dialog = this.page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name: verb }).click();
    await dialog.waitFor({ state: 'hidden' });
  }
}
