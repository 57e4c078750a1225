import { createStreamingClient } from 'nestjs-streaming/client';
import { answerCommands } from '../commands.mjs';
import { checkItem } from '../item.mjs';

const STREAMS_EACH = 20;

let url;
let flowing;
let taken = 0;
let others = [];
let victim;

const COMMANDS = {
  async connect(server) {
    url = server;
    flowing = connect('somebody');
    for await (const _ of flowing.bench.guarded(1));
  },
  async streamOut(method, count) {
    let next = 0;
    for await (const item of flowing.bench[method](count)) checkItem(item, next++);
    if (next !== count) throw new Error(`expected ${count} items, got ${next}`);
  },
  /** Streams of other users, whose items are counted. */
  async openOthers(count) {
    for (let i = 0; i < count; i += STREAMS_EACH) {
      const client = connect(`other ${i}`);
      for (let j = 0; j < STREAMS_EACH; j++) others.push(flow(client));
    }
    await Promise.all(others.map(({ first }) => first));
  },
  /** The items that came since it was asked last; throws if one was lost or a stream has ended. */
  othersTaken() {
    const failed = others.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw failed.failure;
    const since = taken;
    taken = 0;
    return since;
  },
  closeOthers() {
    for (const { client } of others) client.close();
    others = [];
  },
  /** A call of this user; resolves with its first item. */
  async open(user) {
    const client = connect(user);
    const items = client.bench.ticks()[Symbol.asyncIterator]();
    await items.next();
    victim = { client, ended: readToEnd(items) };
  },
  async ended() {
    const { client, ended } = victim;
    const { code, endedAt } = await ended;
    client.close();
    if (code !== 'revoked') throw new Error(`the call ended with ${code}`);
    return endedAt;
  },
};

answerCommands((command, args) => COMMANDS[command](...args));

function connect(user) {
  return createStreamingClient({ url, credentials: () => user, idleMs: 60_000 });
}

function flow(client) {
  const stream = { client, first: undefined, failure: undefined };
  const items = client.bench.ticks()[Symbol.asyncIterator]();
  stream.first = items.next();
  stream.first
    .then(() => checkAll(items))
    .catch((error) => {
      stream.failure = error;
    });
  return stream;
}

async function checkAll(items) {
  for (let next = 1; ; next++) {
    const { value } = await items.next();
    if (value !== next) throw new Error(`expected item ${next} of another's stream, got ${value}`);
    taken++;
  }
}

async function readToEnd(items) {
  try {
    for (;;) {
      const { done } = await items.next();
      if (done) return { code: 'no error', endedAt: 0 };
    }
  } catch (error) {
    return { code: error.code, endedAt: Number(process.hrtime.bigint()) };
  }
}
