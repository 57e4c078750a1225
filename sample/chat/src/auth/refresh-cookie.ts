import type { CookieOptions, Request, Response } from 'express';
import { DEVICE_TTL_MS } from './devices.service.js';

const NAME = 'chat-refresh';

/** No script can read it, no other site sends it, and it goes to `/auth` alone. */
const OPTIONS: CookieOptions = {
  httpOnly: true,
  sameSite: 'strict',
  secure: process.env['NODE_ENV'] === 'production',
  path: '/auth',
};

export function setRefreshCookie(response: Response, refreshToken: string): void {
  response.cookie(NAME, refreshToken, { ...OPTIONS, maxAge: DEVICE_TTL_MS });
}

export function clearRefreshCookie(response: Response): void {
  response.clearCookie(NAME, OPTIONS);
}

export function readRefreshCookie({ headers }: Request): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
}
