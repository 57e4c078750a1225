import { Child } from './child.mjs';
import { startRedis } from './redis.mjs';
import { median, quantile } from './statistics.mjs';
import { printRows } from './table.mjs';

/** What `npm run bench -- auth` measures: two servers, a client, a Redis server. */
export const AUTH = 'auth';

const ITEMS = 200_000;
const BLOCKS = 5;
const REVOCATIONS = 500;
const OTHERS = 200;
const LEAST_SHARE = 0.97;
const LONGEST_P99_MS = 100;

/** Gives what protection costs and how long a revocation takes, and prints both unless told not to. */
export async function measureAuth({ rounds, isSilent }) {
  const redis = await startRedis();
  try {
    return await withCluster(redis.url, async (cluster) => {
      const protection = await measureProtection(cluster, rounds);
      if (!isSilent) printProtection(protection);
      const revocation = await measureRevocation(cluster);
      if (!isSilent) printRevocation(revocation);
      return { protection, revocation };
    });
  } finally {
    redis.stop();
  }
}

/** The client calls the one server, and the other one revokes. */
async function withCluster(redis, use) {
  const [serving, revoking] = [new Child('auth/server.mjs', 1), new Child('auth/server.mjs', 0)];
  const client = new Child('auth/client.mjs', 0);
  try {
    const [url] = await Promise.all([serving.ask('listen', redis), revoking.ask('listen', redis)]);
    await client.ask('connect', url);
    return await use({ serving, revoking, client });
  } finally {
    for (const child of [serving, revoking, client]) child.kill();
  }
}

/** On one server and one connection, in turns: all that differs is the guard. */
async function measureProtection({ serving, client }, rounds) {
  const perItem = { unguarded: [], guarded: [] };
  for (const method of Object.keys(perItem)) await client.ask('streamOut', method, ITEMS);
  for (let block = 0; block < rounds * BLOCKS; block++) {
    for (const [method, figures] of Object.entries(perItem)) {
      await serving.ask('startWork');
      await client.ask('streamOut', method, ITEMS);
      figures.push((await serving.ask('endWork')) / ITEMS);
    }
  }
  const shares = perItem.unguarded.map((cpuUs, block) => cpuUs / perItem.guarded[block]);
  return {
    unguardedUs: median(perItem.unguarded),
    guardedUs: median(perItem.guarded),
    share: median(shares),
    range: [quantile(shares, 0.1), quantile(shares, 0.9)],
  };
}

async function measureRevocation({ revoking, client }) {
  await client.ask('openOthers', OTHERS);
  await revoking.ask('revoke', 'nobody');
  await client.ask('othersTaken');
  const ended = [];
  const resolved = [];
  for (let i = 0; i < REVOCATIONS; i++) {
    await client.ask('open', `user ${i}`);
    const { startedAt, resolvedAt } = await revoking.ask('revoke', `user ${i}`);
    ended.push(((await client.ask('ended')) - startedAt) / 1e6);
    resolved.push((resolvedAt - startedAt) / 1e6);
  }
  const othersTaken = await client.ask('othersTaken');
  await client.ask('closeOthers');
  return { ended: quantiles(ended), resolved: quantiles(resolved), othersTaken };
}

function quantiles(times) {
  return { p50Ms: median(times), p99Ms: quantile(times, 0.99), mostMs: Math.max(...times) };
}

function printProtection({ unguardedUs, guardedUs, share, range }) {
  console.log(
    `\nProtection: ${ITEMS.toLocaleString('en')} items of a call behind a guard, beside one without\n`,
  );
  const figures = [unguardedUs, guardedUs].map((it) => it.toFixed(2));
  const spread = range.map((it) => it.toFixed(2)).join(' to ');
  printRows([
    ['', 'unguarded, µs/item', 'guarded', 'items per CPU second', 'range', 'target'],
    [
      'server CPU',
      ...figures,
      share.toFixed(2),
      spread,
      verdict('≥', LEAST_SHARE, share >= LEAST_SHARE),
    ],
  ]);
}

function printRevocation({ ended, resolved, othersTaken }) {
  console.log(
    `\nRevocation: ${REVOCATIONS} users, on one server, of calls on another, while ${OTHERS} streams flow\n`,
  );
  const row = ({ p50Ms, p99Ms, mostMs }) => [p50Ms, p99Ms, mostMs].map((it) => it.toFixed(1));
  const isReached = ended.p99Ms < LONGEST_P99_MS;
  printRows([
    ['', 'p50, ms', 'p99, ms', 'longest, ms', 'target for p99'],
    ['the client sees its call end', ...row(ended), verdict('<', LONGEST_P99_MS, isReached)],
    ['the promise resolves', ...row(resolved), '-'],
  ]);
  console.log(
    `\nThe other streams had ${othersTaken.toLocaleString('en')} items meanwhile; none was lost.`,
  );
}

function verdict(sign, target, isReached) {
  return `${sign} ${target}: ${isReached ? 'reached' : 'MISSED'}`;
}
