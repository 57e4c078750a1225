import type { StreamError } from 'nestjs-streaming/client';
import type { AccessToken } from '../../src/auth/auth.dto.js';
import { Account } from './account.js';
import { createChatClient } from './chat-client.js';
import { ChatView } from './chat-view.js';
import { DevicesDialog } from './devices-dialog.js';
import { element } from './element.js';
import { LoginView } from './login-view.js';
import { StatusView } from './status-view.js';

const account = new Account();
const status = new StatusView();
const devices = new DevicesDialog(account);
const login = new LoginView(async (name, password) => {
  await account.logIn(name, password);
  await begin();
});
/** Ends what the person that is signed in sees, and says why. */
let end: (why: string) => void = () => {};

account.onToken = (token) => status.tokenIs(token);
element('show-devices', HTMLButtonElement).onclick = () => void devices.open();
element('log-out-here', HTMLButtonElement).onclick = () => void logOut();
await begin();

/** Shows the chat to who is signed in, and the log-in to who isn't. */
async function begin(): Promise<void> {
  try {
    const token = await account.refresh();
    if (token === null) login.show();
    else await showChat(token);
  } catch (error) {
    login.show(error instanceof Error ? error.message : String(error));
  }
}

/** Each sign-in has a client of its own, so that nothing of one is seen by the next. */
async function showChat({ user: me }: AccessToken): Promise<void> {
  status.reset();
  const client = createChatClient(account);
  client.onStatus((clientStatus) => status.clientIs(clientStatus));
  const rooms = await client.rooms.list().catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  const onSignedOut = (why: StreamError) => end(sentenceOf(why));
  const view = new ChatView({ client, me, rooms, onSignedOut });
  end = (why) => {
    view.stop();
    devices.close();
    void client.close();
    login.show(why);
  };
  login.hide();
  view.start();
}

async function logOut(): Promise<void> {
  // The server ends the streams before it answers: that they were revoked is no news here.
  const endNow = end;
  end = () => {};
  try {
    await account.logOut();
    endNow('You are logged out.');
  } catch {
    endNow('This device could not be logged out for good: log in and try again.');
  }
}

function sentenceOf({ code }: StreamError): string {
  return code === 'revoked'
    ? 'This device was logged out by another one of yours.'
    : 'Your sign-in is over. Please log in again.';
}
