import { createHash } from 'node:crypto';

/** A Lua script and the name that Redis knows it by, once it was loaded. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

export function createScript(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
