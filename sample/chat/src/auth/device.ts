/** One sign-in of a user: it lasts until it is logged out, or for 30 days. */
export interface Device {
  /** Also the `authId` of what the device streams. Never given twice. */
  readonly id: string;
  readonly userId: string;
  /** What people call it: "Firefox on Linux". */
  readonly name: string;
  /** When it signed in, in ms since 1970. */
  readonly since: number;
  /** SHA-256 of the secret in its refresh token; the secret itself is with the device alone. */
  readonly secretHash: string;
}

const BROWSERS = [
  ['Edge', /Edg\//],
  ['Firefox', /Firefox\//],
  ['Chrome', /Chrome\//],
  ['Safari', /Safari\//],
] as const;

const SYSTEMS = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['Mac', /Mac OS X/],
  ['Linux', /Linux/],
] as const;

/** A name for people, from a browser's `user-agent`. */
export function deviceName(userAgent = ''): string {
  const browser = BROWSERS.find(([, pattern]) => pattern.test(userAgent))?.[0];
  const system = SYSTEMS.find(([, pattern]) => pattern.test(userAgent))?.[0];
  if (browser === undefined) return system ?? 'Another program';
  return system === undefined ? browser : `${browser} on ${system}`;
}
