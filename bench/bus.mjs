import { loadavg } from 'node:os';
import { Child, canPin } from './child.mjs';
import { startRedis } from './redis.mjs';
import { median } from './statistics.mjs';
import { printRows } from './table.mjs';

/** What `npm run bench -- bus` measures: a publisher, a receiver and a Redis server, no clients. */
export const BUS = 'bus';

const SUBJECTS = [
  { name: 'ioredis, auto-pipelining', way: 'plain' },
  { name: 'MessageBus, ephemeral', way: 'ephemeral' },
  { name: 'MessageBus, replayable', way: 'replayable' },
];

/** What is compared is messages a second, with plain ioredis of the same round. */
const MEASURES = [
  {
    title: 'Bursts: a thousand publishes in a turn, then their promises',
    command: 'bursts',
    warmUp: 50,
    amount: { plain: 100, ephemeral: 300, replayable: 100 },
    messagesEach: 1_000,
    targets: { ephemeral: 2.5, replayable: 0.8 },
  },
  {
    title: 'One by one: each publish awaited',
    command: 'singles',
    warmUp: 2_000,
    amount: { plain: 5_000, ephemeral: 5_000, replayable: 5_000 },
    messagesEach: 1,
    targets: { ephemeral: 0.9 },
  },
];

/** Gives the results of both measures and of the latencies, and prints them unless told not to. */
export async function measureBus({ rounds, isSilent }) {
  if (!isSilent) printSetting(rounds);
  const redis = await startRedis();
  try {
    const results = [];
    for (const measure of MEASURES) {
      const result = await measureThroughput(measure, redis.url, rounds);
      results.push(result);
      if (!isSilent) printThroughput(measure, result);
    }
    const latencies = await measureLatencies(redis.url, rounds);
    if (!isSilent) printLatencies(latencies);
    return { results, latencies };
  } finally {
    redis.stop();
  }
}

/** All subjects stand ready and take turns, because a machine's mood lasts longer than a turn. */
async function measureThroughput(measure, url, rounds) {
  const pairs = await startPairs(url);
  for (const pair of pairs) await publish(pair, measure, measure.warmUp);
  const figures = pairs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, pair] of pairs.entries()) {
      figures[i].push(await publish(pair, measure, measure.amount[pair.way]));
    }
  }
  for (const pair of pairs) stopPair(pair);
  return SUBJECTS.map(({ name, way }, i) => summarise(name, way, figures[i], figures[0]));
}

/** Messages a second until the last one has arrived, and the publisher's and receiver's CPU time. */
async function publish({ publisher, receiver }, { command, messagesEach }, amount) {
  const messages = amount * messagesEach;
  const arriving = receiver.ask('receive', messages);
  const { startedAt, cpuUs } = await publisher.ask(command, amount);
  const { endedAt, cpuUs: receiverUs } = await arriving;
  const seconds = (endedAt - startedAt) / 1e9;
  const each = { publishUs: cpuUs / messages, receiveUs: receiverUs / messages };
  return { perSecond: messages / seconds, ...each };
}

function summarise(name, way, runs, plain) {
  const of = (key) => median(runs.map((run) => run[key]));
  const ratios = runs.map(({ perSecond }, round) => perSecond / plain[round].perSecond);
  return {
    name,
    way,
    perSecond: of('perSecond'),
    publishUs: of('publishUs'),
    receiveUs: of('receiveUs'),
    times: median(ratios),
    range: [Math.min(...ratios), Math.max(...ratios)],
  };
}

async function measureLatencies(url, rounds) {
  const pairs = await startPairs(url);
  const all = pairs.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, { publisher, receiver }] of pairs.entries()) {
      const arriving = receiver.ask('latencies', 200);
      await publisher.ask('now and then', 200);
      if (round >= 0) all[i].push(...(await arriving));
      else await arriving;
    }
  }
  for (const pair of pairs) stopPair(pair);
  return SUBJECTS.map(({ name }, i) => ({ name, p50Us: median(all[i]) }));
}

async function startPairs(url) {
  const pairs = [];
  for (const { way } of SUBJECTS) {
    const publisher = new Child('bus/publisher.mjs', 0);
    const receiver = new Child('bus/receiver.mjs', 1);
    await receiver.ask('connect', way, url);
    await publisher.ask('connect', way, url);
    pairs.push({ way, publisher, receiver });
  }
  return pairs;
}

function stopPair({ publisher, receiver }) {
  publisher.kill();
  receiver.kill();
}

function printThroughput({ title, targets }, results) {
  const header = [
    '',
    'messages/s',
    'publisher CPU, µs',
    'receiver CPU, µs',
    'times plain',
    'range',
  ];
  const rows = results.map(({ name, way, perSecond, publishUs, receiveUs, times, range }) => [
    name,
    Math.round(perSecond).toLocaleString('en'),
    publishUs.toFixed(2),
    receiveUs.toFixed(2),
    times.toFixed(2),
    range.map((it) => it.toFixed(2)).join(' to '),
    verdict(times, targets[way]),
  ]);
  console.log(`\n${title}\n`);
  printRows([[...header, 'target'], ...rows]);
}

function printLatencies(latencies) {
  console.log('\nFrom publish to the receiver, one message now and then\n');
  printRows([['', 'p50, µs'], ...latencies.map(({ name, p50Us }) => [name, p50Us.toFixed(0)])]);
}

function verdict(times, target) {
  if (target === undefined) return '-';
  return `≥ ${target}: ${times >= target ? 'reached' : 'MISSED'}`;
}

function printSetting(rounds) {
  const pinning = canPin ? 'a core each' : 'NOT pinned: expect more noise';
  console.log(
    `Node ${process.version}; publisher and receiver on ${pinning}, Redis on any; ${rounds} alternating rounds, times plain within each.`,
  );
  const load = loadavg()[0];
  if (load > 0.5)
    console.log(`The machine was not quiet at the start: load average ${load.toFixed(1)}.`);
}
