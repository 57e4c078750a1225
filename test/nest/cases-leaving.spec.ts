import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { StreamController } from '../../lib/client/index.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { afterTest, failure } from './app.js';
import { Fault, Owner, start, UNSENDABLE, WorseFault } from './trees.js';

const CODECS: CodecName[] = ['json', 'msgpack'];

/** The text of all that the server sends for one call. */
async function wireOf(port: number, codec: CodecName, method: string, ...args: unknown[]) {
  const url = `ws://127.0.0.1:${port}/streaming`;
  const peer = new RawPeer(new WebSocket(url, SUBPROTOCOLS[codec]), codec);
  afterTest(async () => peer.socket.terminate());
  const sent: string[] = [];
  peer.socket.on('message', (data: Buffer) => sent.push(data.toString('latin1')));
  await peer.next();
  peer.send([0, [100, 1_000_000], null], [2, 1, method, args, []]);
  await peer.output(1);
  return sent.join('');
}

describe.each(CODECS)('What a class declares of its fields, over %s', (codec) => {
  const HIDDEN = ['hunter2', 'password', 'pin-0000', 'for staff', '"mail"'];

  it('holds for nested models, for those in containers, and for those in exceptions', async () => {
    const { port } = await start(codec, { transform: { groups: ['guests'] } });
    for (const sent of [
      await wireOf(port, codec, 'models.estate'),
      await wireOf(port, codec, 'models.throws', 'worse'),
      await wireOf(port, codec, 'models.throws', 'fault'),
    ]) {
      expect(sent).toContain('mail_address');
      expect(sent).toContain('*s*');
      for (const hidden of HIDDEN) expect(sent).not.toContain(hidden);
    }
  });

  it('lets out what the chosen groups may see', async () => {
    const { port } = await start(codec, { transform: { groups: ['staff'] } });
    expect(await wireOf(port, codec, 'models.estate')).toContain('for staff');
  });
});

describe.each(CODECS)('What can not be sent, over %s', (codec) => {
  it.each(Object.keys(UNSENDABLE))('ends its call as internal, and no other: %s', async (what) => {
    const { log, models } = await start(codec);
    const input = new StreamController<number>();
    const sibling = models.echo(input)[Symbol.asyncIterator]();
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of models.unsendable(what)) items.push(item);
    })();
    for (const error of [
      await failure(reading),
      await failure(models.unsendableValue(what) as never),
    ]) {
      expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
      expect(error.message.toLowerCase()).not.toContain('secret');
      expect(log.find('error', `error ${error.id}`)).toHaveLength(1);
    }
    expect(items).toEqual([1]);
    void input.add(1);
    expect((await sibling.next()).value).toBe(1);
    await sibling.return?.();
  });
});

describe.each(CODECS)('An exception in a hierarchy, over %s', (codec) => {
  it('is caught as the class it is, from the server and from the client', async () => {
    const { models, controller } = await start(codec);
    const fault = await failure(models.throws('fault') as never);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).not.toBeInstanceOf(WorseFault);
    const worse = await failure(models.throws('worse') as never);
    expect(worse).toBeInstanceOf(WorseFault);
    expect(worse).toMatchObject({ code: 'internal', message: 'Worse.', degree: 3 });
    expect((worse as unknown as WorseFault).estate?.owners[0]).toBeInstanceOf(Owner);

    for (const [thrown, classes] of [
      [new Fault('Odd.', 'not-found'), [false, true, true]],
      [Object.assign(new WorseFault('Odd.'), { degree: 5 }), [true, true, true]],
    ] as const) {
      const input = new StreamController<unknown>();
      input.addError(thrown);
      expect(await models.caught(input)).toEqual(classes);
    }
    expect(controller.seen).toMatchObject([
      { code: 'not-found', message: 'Odd.' },
      { code: 'internal', degree: 5 },
    ]);
  });
});
