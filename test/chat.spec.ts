import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MayNotPost, ThrownOut } from '../sample/chat/src/rooms/room.exceptions.js';
import { Notice, Sentence } from '../sample/chat/src/rooms/room.models.js';
import { ChatDevice } from './chat/device.js';
import { ChatServer } from './chat/server.js';
import { RedisServerProcess } from './redis/redis-server.js';

const WAIT = { timeout: 15_000 };
let devices: ChatDevice[] = [];

afterEach(async () => {
  await Promise.all(devices.map(({ client }) => client.close()));
  devices = [];
});

async function signIn(server: ChatServer, name: string): Promise<ChatDevice> {
  const device = await ChatDevice.signIn(server, name);
  devices.push(device);
  return device;
}

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** What every set-up of the chat does: with one server and no Redis, and with two and one. */
function describeChat(servers: () => readonly [ChatServer, ChatServer]): void {
  let [one, two]: [ChatServer?, ChatServer?] = [];
  const first = () => one as ChatServer;
  const second = () => two as ChatServer;

  beforeAll(() => {
    [one, two] = servers();
  });

  it('takes what one says to everybody in the room, once each and in order', async () => {
    const [ada, ben] = [await signIn(first(), 'ada'), await signIn(second(), 'ben')];
    const visits = [await ada.join('kitchen'), await ben.join('kitchen')];
    for (const text of ['one', 'two', 'three']) await ada.post('kitchen', text);
    await ben.post('kitchen', 'four');
    for (const visit of visits) {
      await expect.poll(() => visit.texts, WAIT).toContain('four');
      expect(visit.texts.slice(-4)).toEqual(['one', 'two', 'three', 'four']);
    }
    const late = await (await signIn(second(), 'cleo')).join('kitchen');
    await expect.poll(() => late.texts, WAIT).toEqual(visits[0]?.texts);
  });

  it('lets nobody in who is not signed in, and nobody sign in with a wrong password', async () => {
    const nobody = new ChatDevice(first());
    devices.push(nobody);
    expect(await failure(nobody.join('lobby'))).toMatchObject({ code: 'unauthenticated' });
    expect(await failure(nobody.logIn('ada', 'ben-demo'))).toMatchObject({
      message: 'log-in: 401',
    });
    expect((await nobody.fetch('GET', 'auth/devices')).status).toBe(401);
  });

  it('lets moderators alone write where the room says so', async () => {
    const [ada, ben] = [await signIn(first(), 'ada'), await signIn(second(), 'ben')];
    const visit = await ben.join('newsroom');
    const refused = await failure(ben.post('newsroom', 'me too'));
    expect(refused).toBeInstanceOf(MayNotPost);
    expect(refused).toMatchObject({ code: 'permission-denied', why: 'moderators-only' });
    await ada.post('newsroom', 'Read all about it');
    await expect.poll(() => visit.texts, WAIT).toContain('Read all about it');
    expect(visit.texts).not.toContain('me too');
  });

  it.each([
    ['', 'text'],
    [' \n', 'blank'],
    ['x'.repeat(501), 'text'],
  ])('refuses a message like %j with a sentence', async (text, sentence) => {
    const ben = await signIn(first(), 'ben');
    expect(await failure(ben.post('kitchen', text))).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(sentence),
    });
  });

  it('keeps who is muted from writing, until a moderator lets them speak again', async () => {
    const [ada, ben] = [await signIn(first(), 'ada'), await signIn(second(), 'ben')];
    await ada.client.moderation.mute('kitchen', Sentence.of('ben', 'too loud'));
    expect(await failure(ben.post('kitchen', 'but'))).toMatchObject({
      why: 'muted',
      message: 'Ada has muted you: too loud',
    });
    await ada.client.moderation.unmute('kitchen', 'ben');
    await ben.post('kitchen', 'thanks');
  });

  it('lets moderators alone throw out, and never a moderator', async () => {
    const [ada, ben] = [await signIn(first(), 'ada'), await signIn(second(), 'ben')];
    expect(await failure(ben.throwOut('lobby', 'cleo', 'because'))).toMatchObject({
      code: 'permission-denied',
    });
    expect(await failure(ada.throwOut('lobby', 'ada', 'because'))).toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('ends the stream of who is thrown out, with the reason; the others go on', async () => {
    const ada = await signIn(first(), 'ada');
    const [ben, cleo] = [await signIn(second(), 'ben'), await signIn(second(), 'cleo')];
    const [phone, desk] = [
      await ben.join('lobby'),
      await (await signIn(first(), 'ben')).join('lobby'),
    ];
    const [other, kitchen] = [await cleo.join('lobby'), await ben.join('kitchen')];
    await ada.throwOut('lobby', 'ben', 'selling watches');
    for (const visit of [phone, desk]) {
      const error = await visit.ended;
      expect(error).toBeInstanceOf(ThrownOut);
      expect(error).toMatchObject({ roomId: 'lobby', reason: 'selling watches', by: 'Ada' });
    }
    await expect.poll(() => other.lines.at(-1), WAIT).toBeInstanceOf(Notice);
    expect(other.lines.at(-1)).toMatchObject({ kind: 'thrown-out', reason: 'selling watches' });
    await ada.post('lobby', 'Where were we?');
    await expect.poll(() => other.texts, WAIT).toContain('Where were we?');
    expect([other.isOver, kitchen.isOver]).toEqual([false, false]);
    for (const attempt of [() => ben.join('lobby'), () => ben.post('lobby', 'Let me in!')])
      expect(await failure(attempt())).toBeInstanceOf(ThrownOut);
    await ada.client.moderation.letIn('lobby', 'ben');
    const back = await ben.join('lobby');
    await expect.poll(() => back.texts, WAIT).toContain('Where were we?');
    expect(back.isOver).toBe(false);
  });

  it('tells who is in a room, each person once, as they come and go', async () => {
    const [ada, ben] = [await signIn(first(), 'ada'), await signIn(second(), 'ben')];
    const watched = ada.watch('newsroom');
    await ben.join('newsroom');
    await expect.poll(() => watched.names, WAIT).toBe('Ben');
    await (await signIn(first(), 'ben')).join('newsroom');
    await (await signIn(first(), 'cleo')).join('newsroom');
    await expect.poll(() => watched.names, WAIT).toBe('Ben,Cleo');
    await ben.client.close();
    await devices.at(-1)?.client.close();
    await expect.poll(() => watched.names, WAIT).toBe('Ben');
  });

  it('ends the calls of a device that is logged out, and of no other', async () => {
    const [phone, desk] = [await signIn(first(), 'dora'), await signIn(second(), 'dora')];
    const cleo = await signIn(first(), 'cleo');
    const [lost, kept, other] = [
      await phone.join('kitchen'),
      await desk.join('kitchen'),
      await cleo.join('kitchen'),
    ];
    const shown = await desk.devices();
    const mine = (await phone.devices()).find(({ isThis }) => isThis)?.id;
    expect(shown.map(({ id }) => id)).toContain(mine);

    expect((await desk.fetch('DELETE', `auth/devices/${mine}`)).status).toBe(204);

    expect(await lost.ended).toMatchObject({ code: 'revoked', data: { kind: 'auth' } });
    expect(await failure(phone.join('kitchen'))).toMatchObject({ code: 'unauthenticated' });
    expect((await phone.fetch('POST', 'auth/refresh')).status).toBe(401);
    expect((await desk.devices()).map(({ id }) => id)).not.toContain(mine);
    await desk.post('kitchen', 'still here');
    for (const visit of [kept, other])
      await expect.poll(() => visit.texts, WAIT).toContain('still here');
    expect(lost.texts).not.toContain('still here');
  });

  it('logs no device out for another user', async () => {
    const [dora, ben] = [await signIn(first(), 'dora'), await signIn(second(), 'ben')];
    const visit = await dora.join('kitchen');
    const id = (await dora.devices()).find(({ isThis }) => isThis)?.id;
    expect((await ben.fetch('DELETE', `auth/devices/${id}`)).status).toBe(404);
    await dora.post('kitchen', 'untouched');
    await expect.poll(() => visit.texts, WAIT).toContain('untouched');
  });

  it('logs a device out by itself', async () => {
    const ben = await signIn(second(), 'ben');
    const visit = await ben.join('kitchen');
    expect((await ben.fetch('POST', 'auth/logout')).status).toBe(204);
    expect(await visit.ended).toMatchObject({ code: 'revoked' });
  });
}

describe('the chat on one server, without Redis', () => {
  let server: ChatServer;

  beforeAll(async () => {
    server = await ChatServer.start();
  });
  afterAll(async () => {
    await server?.stop();
  });

  describeChat(() => [server, server]);
});

describe('the chat on two servers with one Redis', () => {
  let redis: RedisServerProcess;
  let servers: ChatServer[] = [];

  beforeAll(async () => {
    redis = await RedisServerProcess.start();
    servers = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await redis?.stop();
  });

  function start(environment: NodeJS.ProcessEnv = {}): Promise<ChatServer> {
    return ChatServer.start({ REDIS_URL: redis.url, ...environment });
  }

  describeChat(() => servers as [ChatServer, ChatServer]);

  it('renews access tokens while messages stream, and loses none', async () => {
    const brief = await start({ ACCESS_TOKEN_SECONDS: '2' });
    servers.push(brief);
    const [ben, ada] = [await signIn(brief, 'ben'), await signIn(servers[0] as ChatServer, 'ada')];
    const visit = await ben.join('kitchen');
    const before = visit.texts.length;
    let said = 0;
    while (ben.tokens < 4) {
      await ada.post('kitchen', `no. ${said}`);
      said += 1;
    }
    const expected = Array.from({ length: said }, (_, number) => `no. ${number}`);
    await expect
      .poll(() => visit.texts.filter((text) => /^no\./.test(text)), WAIT)
      .toEqual(expected);
    expect(before).toBeLessThan(visit.texts.length);
    expect(visit.isOver).toBe(false);
  });

  it('forgets who was in a room through a server that died', async () => {
    const pair = await Promise.all([1, 2].map(() => start({ PRESENCE_SECONDS: '1' })));
    servers.push(...pair);
    const [staying, doomed] = pair as [ChatServer, ChatServer];
    const [ada, cleo] = [await signIn(staying, 'ada'), await signIn(doomed, 'cleo')];
    await Promise.all([ada.join('newsroom'), cleo.join('newsroom')]);
    const watched = ada.watch('newsroom');
    await expect.poll(() => watched.names, WAIT).toBe('Ada,Cleo');
    await doomed.stop('SIGKILL');
    await expect.poll(() => watched.names, WAIT).toBe('Ada');
  });
});
