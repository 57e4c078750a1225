import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Child } from './child.mjs';

/**
 * Runs `use` with a fresh server and a connected client for each subject. `profile` is a function
 * that gives the file for a subject's profile, or undefined.
 */
export async function withPairs(subjects, profile, use) {
  const pairs = await Promise.all(subjects.map((subject) => createPair(subject, profile(subject))));
  await use(pairs);
  for (const { server, client } of pairs) {
    client.kill();
    server.kill();
  }
}

async function createPair(subject, profileFile) {
  const server = new Child('server-process.mjs', 1);
  const client = new Child('client-process.mjs', 0);
  const { url } = await server.ask('listen', moduleOf(subject.server), subject);
  await client.ask('connect', moduleOf(subject.client), { ...subject, url });
  return { subject, server, client, work: (run) => work(server, profileFile, run) };
}

async function work(server, profileFile, run) {
  await server.ask('startWork', profileFile !== undefined);
  const result = await run();
  return { result, ...(await server.ask('endWork', profileFile)) };
}

function moduleOf(file) {
  return new URL(`subjects/${file}`, import.meta.url).href;
}

/** The file in `folder`, which is made, for one profile. */
export function profileFile(folder, ...names) {
  mkdirSync(folder, { recursive: true });
  const name = names.join(' ').replace(/\W+/g, '-').toLowerCase();
  return join(resolve(folder), `${name}.cpuprofile`);
}
