import { randomBytes } from 'node:crypto';

/** What the environment says. */
export interface Settings {
  /** Where the servers meet. @default none: one server, and everything in its memory */
  readonly redisUrl: string | undefined;
  /** What access tokens are signed with: all servers must know the same. */
  readonly jwtSecret: string;
  /** How long an access token lasts. @default 60 */
  readonly accessTokenSeconds: number;
  /** How often a server says who is there through it; silent for three times that, it is dead. @default 10 */
  readonly presenceSeconds: number;
}

/**
 * Reads `REDIS_URL`, `JWT_SECRET`, `ACCESS_TOKEN_SECONDS` and `PRESENCE_SECONDS`.
 *
 * @throws Error for several servers without a common secret, or for a number that is none.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const redisUrl = env['REDIS_URL'] || undefined;
  const secret = env['JWT_SECRET'] || undefined;
  if (redisUrl !== undefined && secret === undefined) {
    throw new Error('Servers that share a Redis need one JWT_SECRET: set it to the same for all.');
  }
  return {
    redisUrl,
    // One server alone may make one up: its tokens end with it.
    jwtSecret: secret ?? randomBytes(32).toString('hex'),
    accessTokenSeconds: readSeconds(env, 'ACCESS_TOKEN_SECONDS', 60),
    presenceSeconds: readSeconds(env, 'PRESENCE_SECONDS', 10),
  };
}

function readSeconds(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const seconds = Number(env[name] || otherwise);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  throw new Error(`${name} must be a whole number from 1.`);
}

export const settings = readSettings(process.env);
