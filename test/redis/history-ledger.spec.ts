import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HistoryOrder, HistoryReport } from './history-process.js';
import { LedgerMember } from './ledger-member.js';
import { DURABLE, RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const NAMES = ['one', 'two', 'three'];

type Member = LedgerMember<HistoryOrder, HistoryReport>;

let folder: string;
let server: RedisServerProcess;
let proxy: TcpProxy;
let members: Member[];

async function start(durable: boolean): Promise<void> {
  const keeps = durable ? DURABLE : [];
  server = await RedisServerProcess.start(['--dir', folder, ...keeps]);
  proxy = await TcpProxy.start(server.port);
  members = await Promise.all(
    NAMES.map(() => LedgerMember.start<HistoryOrder, HistoryReport>('history-process.ts')),
  );
  const connect = (name: string) => ({ do: 'connect', url: proxy.url, name }) as const;
  await Promise.all(members.map((it, i) => it.order(connect(NAMES[i] ?? ''))));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'redis-ledger-'));
});

afterEach(async () => {
  await Promise.all(members.map((member) => member.stop()));
  await proxy.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function publishAll(messages: number): Promise<void> {
  await Promise.all(members.map((it) => it.order({ do: 'publish', messages, everyMs: 5 })));
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** What breaks the ways to a server, which itself loses nothing. */
async function breakWays(): Promise<void> {
  await pause(150);
  await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await pause(200);
  proxy.hold();
  await pause(700);
  proxy.release();
  await pause(300);
  await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
  await pause(100);
  server.freeze();
  await pause(600);
  server.thaw();
  await pause(200);
  await server.kill();
  await server.restart();
  await pause(300);
}

/** As in a failover whose replica was behind: what was published after the copy is lost. */
async function loseTheEnd(): Promise<void> {
  await server.command('SAVE');
  await pause(150);
  await server.kill();
  await server.restart();
  await pause(400);
}

interface Account {
  readonly gaps: number;
  readonly missing: readonly number[];
  readonly untold: readonly number[];
  readonly wrong: readonly string[];
}

/** What one reader got of one publisher, held against what that one was confirmed. */
function settle(confirmed: readonly number[], name: string, entries: readonly string[]): Account {
  const arrived = new Set<number>();
  const told = new Set<number>();
  const wrong: string[] = [];
  let next = 0;
  let hasGap = false;
  for (const entry of entries) {
    if (entry === 'gap') hasGap = true;
    if (!entry.startsWith(`${name}:`)) continue;
    const number = Number(entry.slice(name.length + 1));
    if (number < next) wrong.push(entry);
    if (hasGap) for (let n = next; n < number; n += 1) told.add(n);
    arrived.add(number);
    hasGap = false;
    next = number + 1;
  }
  const missing = confirmed.filter((number) => !arrived.has(number));
  const untold = missing.filter((number) => !told.has(number));
  return { gaps: entries.filter((it) => it === 'gap').length, missing, untold, wrong };
}

/** Publishes a little more, and settles when everybody has got that. */
async function settleAll(): Promise<Account[]> {
  await pause(500);
  await publishAll(10);
  return vi.waitFor(
    async () => {
      const reports = await Promise.all(members.map((it) => it.order({ do: 'report' })));
      const readers = reports.flatMap((it) => it?.readers ?? []);
      const ends = NAMES.map((name, i) => `${name}:${reports[i]?.confirmed.at(-1)}`);
      const late = readers.map((entries) => [
        entries.length,
        ends.filter((it) => !entries.includes(it)),
      ]);
      expect(late).toEqual(readers.map((entries) => [entries.length, []]));
      return readers.flatMap((entries) =>
        NAMES.map((name, i) => settle(reports[i]?.confirmed ?? [], name, entries)),
      );
    },
    { timeout: 40_000, interval: 250 },
  );
}

describe('The ledger of three processes on a channel with history', () => {
  it('has every confirmed message at every reader, once and in order, whatever breaks between', async () => {
    await start(true);
    const publishing = publishAll(4_000);
    await breakWays();
    await publishing;
    for (const account of await settleAll())
      expect(account).toEqual({ gaps: 0, missing: [], untold: [], wrong: [] });
  }, 90_000);

  it('balances where the server itself loses what it confirmed: what is missing stands at a gap', async () => {
    await start(false);
    const publishing = publishAll(4_000);
    await pause(300);
    await loseTheEnd();
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await pause(200);
    await server.command('FLUSHALL');
    await pause(300);
    await loseTheEnd();
    await publishing;
    const accounts = await settleAll();
    expect(accounts.flatMap(({ untold }) => untold)).toEqual([]);
    expect(accounts.flatMap(({ wrong }) => wrong)).toEqual([]);
    // There were losses to tell of.
    expect(accounts.flatMap(({ missing }) => missing).length).toBeGreaterThan(0);
  }, 90_000);
});
