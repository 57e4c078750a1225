import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Import, listFiles, readImports } from './imports.js';

interface Room {
  /** The other rooms it may import. */
  readonly rooms: readonly string[];
  /** The packages it may import; `x/*` stands for a scope. */
  readonly packages: readonly string[];
  /** Packages that only one file of the room may import. */
  readonly inOneFile?: readonly string[];
}

/**
 * Who may import whom in lib/. A folder without a row is an error: a new room begins with a line
 * here. The longest row that fits a file counts, so `bus/redis` stands apart from `bus`.
 */
const ROOMS: Readonly<Record<string, Room>> = {
  // Both sides of the wire, browser included: no Node, no packages.
  protocol: { rooms: [], packages: [] },
  stream: { rooms: [], packages: [] },
  model: { rooms: ['protocol'], packages: ['class-transformer', 'class-validator'] },

  // The engine: knows no Nest.
  server: { rooms: ['protocol', 'stream', 'model'], packages: ['node:*'], inOneFile: ['ws'] },
  client: {
    rooms: ['protocol', 'stream', 'model'],
    packages: [],
    inOneFile: ['ws', 'node:async_hooks'],
  },
  bus: { rooms: ['stream', 'model', 'protocol'], packages: ['node:*'] },
  'bus/redis': { rooms: ['bus', 'protocol'], packages: ['node:*'], inOneFile: ['ioredis'] },
  auth: { rooms: ['bus', 'protocol'], packages: ['node:*'] },

  // The Nest side, and the entry ".".
  nest: {
    rooms: ['server', 'auth', 'bus', 'bus/redis', 'model', 'protocol', 'stream'],
    packages: ['@nestjs/*', 'rxjs', 'reflect-metadata', 'node:*'],
  },
  'index.ts': {
    rooms: ['nest', 'auth', 'bus', 'bus/redis', 'model', 'protocol', 'stream'],
    packages: ['reflect-metadata'],
  },
  testing: {
    rooms: ['client', 'server', 'nest', 'protocol', 'stream', 'model'],
    packages: ['@nestjs/common', '@nestjs/testing', 'node:*'],
  },
};

const FORBIDDEN_FOLDERS = ['utils', 'common', 'shared', 'types', 'interfaces', 'helpers'];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIB = `${ROOT}lib`;

const imports = readImports(LIB);

describe('the rooms of lib/', () => {
  it('are all in the table', () => {
    expect(imports.map(({ from }) => from).filter((file) => roomOf(file) === undefined)).toEqual(
      [],
    );
  });

  it('import only the rooms that the table allows', () => {
    expect(imports.filter((it) => it.isFile && !isAllowedRoom(it)).map(toArrow)).toEqual([]);
  });

  it('import only the packages that the table allows', () => {
    const inRooms = imports.filter((it) => !it.isFile && !isSpec(it.from));
    expect(inRooms.filter((it) => !isAllowedPackage(it)).map(toArrow)).toEqual([]);
  });

  it.each(packagesInOneFile())('import %s in one file of %s only', (name, room) => {
    const importers = imports.filter(
      (it) => it.to === name && !it.isTypeOnly && !isSpec(it.from) && roomOf(it.from) === room,
    );
    expect(new Set(importers.map(({ from }) => from)).size).toBeLessThanOrEqual(1);
  });

  it('have no import cycle, types included', () => {
    expect(findCycles(imports)).toEqual([]);
  });

  it('let the client for browsers reach no package and nothing of Node', () => {
    const loaded = imports.filter((it) => !it.isTypeOnly && !it.isDynamic);
    const reached = reach('client/browser.ts', loaded);
    expect(loaded.filter((it) => reached.has(it.from) && !it.isFile).map(toArrow)).toEqual([]);
  });
});

describe('the folders', () => {
  it.each(FORBIDDEN_FOLDERS)('are never called %s', (name) => {
    const files = ['lib', 'sample', 'bench', 'scripts'].flatMap((top) => listFiles(ROOT + top));
    const paths = files.map((file) => relative(ROOT, file));
    expect(paths.filter((path) => path.split(/[\\/]/).slice(0, -1).includes(name))).toEqual([]);
  });
});

function roomOf(file: string): string | undefined {
  const rows = Object.keys(ROOMS).filter((row) => file === row || file.startsWith(`${row}/`));
  return rows.sort((a, b) => b.length - a.length)[0];
}

function isAllowedRoom({ from, to }: Import): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === undefined || target === undefined) return false;
  return room === target || (ROOMS[room]?.rooms.includes(target) ?? false);
}

function isAllowedPackage({ from, to }: Import): boolean {
  const room = ROOMS[roomOf(from) ?? ''];
  const allowed = [...(room?.packages ?? []), ...(room?.inOneFile ?? [])];
  return allowed.some((name) => isOf(name, to));
}

/** Whether a specifier (`rxjs/operators`) belongs to an entry of the table (`rxjs`, `@nestjs/*`). */
function isOf(allowed: string, specifier: string): boolean {
  if (allowed.endsWith('*')) return specifier.startsWith(allowed.slice(0, -1));
  return specifier === allowed || specifier.startsWith(`${allowed}/`);
}

function isSpec(file: string): boolean {
  return file.endsWith('.spec.ts') || file.split('/').includes('spec');
}

function packagesInOneFile(): [name: string, room: string][] {
  return Object.entries(ROOMS).flatMap(([room, { inOneFile = [] }]) =>
    inOneFile.map((name): [string, string] => [name, room]),
  );
}

function toArrow({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

function reach(start: string, edges: readonly Import[]): Set<string> {
  const reached = new Set([start]);
  for (const file of reached) {
    for (const edge of edges) if (edge.from === file && edge.isFile) reached.add(edge.to);
  }
  return reached;
}

/** The cycles that a depth-first walk comes upon, as `a -> b -> a`. */
function findCycles(edges: readonly Import[]): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const edge of edges) if (edge.from === file && edge.isFile) walk(edge.to, [...path, file]);
    done.add(file);
  };
  for (const { from } of edges) walk(from, []);
  return cycles;
}
