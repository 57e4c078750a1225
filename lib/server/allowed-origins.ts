import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * The origins whose pages may connect, where a browser tells one: a list of `https://app.example`
 * and of patterns that match a whole origin; or a function that says yes with `true`.
 */
export type AllowedOrigins =
  | readonly (string | RegExp)[]
  | ((origin: string, request: IncomingMessage) => boolean);

/** Whether the page behind an upgrade may connect; asked for requests that have an `Origin`. */
export type OriginTest = (origin: string, request: IncomingMessage) => boolean;

/**
 * Makes the test of what the application allows; `undefined` where it allows nothing in particular.
 *
 * @throws TypeError with what is wrong: the end of a sentence that begins with the option's name.
 */
export function createOriginTest(allowed: AllowedOrigins | undefined): OriginTest | undefined {
  if (allowed === undefined) return undefined;
  if (typeof allowed === 'function') return (...asked) => saysYes(allowed, asked);
  if (!Array.isArray(allowed)) {
    throw new TypeError('must be a list of origins and regular expressions, or a function');
  }
  const tests = allowed.map(toTest);
  return (origin) => {
    const plain = canonical(origin);
    return tests.some((test) => test(plain));
  };
}

/**
 * The headers that an application may trust where it allows no origins in particular: those of a page
 * of another host have no cookies, and nothing else by which a browser proves a user unasked.
 */
export function trustedHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { origin, host } = headers;
  if (origin === undefined || isSameHost(origin, host)) return headers;
  const { cookie: _, authorization: __, ...trusted } = headers;
  return trusted;
}

/** A function that throws, or promises, has not said yes. */
function saysYes(allowed: OriginTest, asked: Parameters<OriginTest>): boolean {
  try {
    return allowed(...asked) === true;
  } catch {
    return false;
  }
}

function toTest(entry: unknown): (origin: string) => boolean {
  if (entry instanceof RegExp) return toPatternTest(entry);
  if (typeof entry !== 'string' || !isOrigin(entry)) {
    throw new TypeError(
      `must hold origins like 'https://app.example' and regular expressions, not ${String(entry)}`,
    );
  }
  const plain = canonical(entry);
  return (origin) => origin === plain;
}

/** A copy, that matches all or nothing and has no memory of where it matched last. */
function toPatternTest({ source, flags }: RegExp): (origin: string) => boolean {
  const pattern = new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, ''));
  return (origin) => pattern.test(origin);
}

/** `null` is what browsers say for a page without an origin: of a file, or in a sandbox. */
function isOrigin(text: string): boolean {
  return text === 'null' || /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@\\]+\/?$/i.test(text);
}

/** As browsers write it: in lower case, without the port that goes without saying. */
function canonical(origin: string): string {
  const url = isOrigin(origin) && URL.canParse(origin) ? new URL(origin) : undefined;
  // Of schemes that it doesn't know, `URL` tells no origin.
  if (url === undefined || url.origin === 'null') return origin.toLowerCase().replace(/\/$/, '');
  return url.origin;
}

function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !isOrigin(origin) || !URL.canParse(origin)) return false;
  const { protocol, host: page } = new URL(origin);
  const server = `${protocol}//${host}`;
  return isOrigin(server) && URL.canParse(server) && new URL(server).host === page;
}
