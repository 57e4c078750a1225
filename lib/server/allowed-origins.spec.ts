import type { IncomingMessage } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { type AllowedOrigins, createOriginTest, trustedHeaders } from './allowed-origins.js';

const request = { headers: {} } as IncomingMessage;

function admits(allowed: AllowedOrigins, origin: string): boolean | undefined {
  return createOriginTest(allowed)?.(origin, request);
}

describe('Allowed origins', () => {
  it('are none in particular without the option', () => {
    expect(createOriginTest(undefined)).toBeUndefined();
  });

  it.each([
    ['https://app.example', 'https://app.example'],
    ['https://app.example/', 'https://app.example'],
    ['https://App.Example', 'https://app.example'],
    ['https://app.example', 'HTTPS://APP.EXAMPLE'],
    ['https://app.example:443', 'https://app.example'],
    ['http://app.example:80', 'http://app.example'],
    ['https://app.example:8443', 'https://app.example:8443'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['http://[0:0:0:0:0:0:0:1]:3000', 'http://[::1]:3000'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['null', 'null'],
  ])('in a list: %s admits %s', (entry, origin) => {
    expect(admits(['https://other.example', entry], origin)).toBe(true);
  });

  it.each([
    ['https://app.example', 'https://app.example.evil'],
    ['https://app.example', 'https://evil-app.example'],
    ['https://app.example', 'https://sub.app.example'],
    ['https://app.example', 'http://app.example'],
    ['https://app.example', 'https://app.example:8443'],
    ['https://app.example', 'https://app.example@evil.example'],
    ['https://app.example', 'https://evil.example@app.example'],
    ['https://app.example', 'https://app.example/evil'],
    ['https://app.example', 'https://app.example#'],
    ['https://app.example', 'https://app.example\\@evil.example'],
    ['https://app.example', 'https://app.example, https://evil.example'],
    ['https://app.example', 'app.example'],
    ['https://app.example', 'null'],
    ['https://app.example', ''],
    ['http://[::1]:3000', 'http://[::2]:3000'],
    ['http://127.0.0.1', 'http://127.0.0.1.evil.example'],
  ])('in a list: %s does not admit %s', (entry, origin) => {
    expect(admits([entry], origin)).toBe(false);
  });

  it('may be none at all', () => {
    expect(admits([], 'https://app.example')).toBe(false);
  });

  it('match a regular expression as a whole, however often they are asked about', () => {
    const allowed = [/https:\/\/[a-z]+\.example/g];
    for (let i = 0; i < 3; i++) {
      expect(admits(allowed, 'https://app.example')).toBe(true);
      expect(admits(allowed, 'https://app.example.evil')).toBe(false);
      expect(admits(allowed, 'evil:https://app.example')).toBe(false);
    }
    const either = createOriginTest([/https:\/\/a\.example|https:\/\/b\.example/y]);
    expect(either?.('https://b.example', request)).toBe(true);
    expect(either?.('https://b.example', request)).toBe(true);
    expect(either?.('https://b.example.evil', request)).toBe(false);
    expect(admits([/https:\/\/APP\.example/i], 'https://app.example')).toBe(true);
  });

  it('are what a function says yes to, with true and nothing else', () => {
    const allowed = vi.fn(() => true);
    expect(admits(allowed, 'https://app.example')).toBe(true);
    expect(allowed).toHaveBeenCalledWith('https://app.example', request);
    expect(admits(() => false, 'https://app.example')).toBe(false);
    expect(admits((async () => true) as never, 'https://app.example')).toBe(false);
    expect(
      admits(() => {
        throw new Error('broken');
      }, 'https://app.example'),
    ).toBe(false);
  });

  it.each([
    ['https://app.example'],
    [['app.example']],
    [['*']],
    [['https://app.example/path']],
    [['https://user@app.example']],
    [['https://']],
    [[7]],
    [[undefined]],
    [{}],
    [null],
  ])('are refused when they are none: %j', (allowed) => {
    expect(() => createOriginTest(allowed as never)).toThrow(TypeError);
  });
});

describe('The headers of a handshake', () => {
  const secrets = { cookie: 'session=1', authorization: 'Basic x', 'user-agent': 'a browser' };

  it.each([
    ['https://app.example', 'app.example'],
    ['https://app.example', 'app.example:443'],
    ['http://app.example', 'app.example:80'],
    ['http://app.example', 'APP.example'],
    ['http://localhost:3000', 'localhost:3000'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['http://[::1]:3000', '[0:0:0:0:0:0:0:1]:3000'],
  ])('are as they came for a page of %s at %s', (origin, host) => {
    const headers = { ...secrets, origin, host };
    expect(trustedHeaders(headers)).toBe(headers);
  });

  it('are as they came from what is no browser', () => {
    const headers = { ...secrets, host: 'app.example' };
    expect(trustedHeaders(headers)).toBe(headers);
  });

  it.each([
    ['https://evil.example', 'app.example'],
    ['https://app.example.evil', 'app.example'],
    ['https://app.example@evil.example', 'app.example'],
    ['https://evil.example@app.example', 'app.example'],
    ['https://app.example:8443', 'app.example'],
    ['http://localhost:5173', 'localhost:3000'],
    ['http://[::2]:3000', '[::1]:3000'],
    ['http://127.0.0.1:3000', 'localhost:3000'],
    ['null', 'app.example'],
    ['null', 'null'],
    ['', 'app.example'],
    ['file://', 'app.example'],
    ['https://app.example', 'evil@app.example'],
    ['https://app.example', undefined],
    ['https://app.example', ''],
  ])('have no cookies for a page of %s at %s', (origin, host) => {
    const headers = { ...secrets, origin, ...(host === undefined ? {} : { host }) };
    const { cookie, authorization, ...others } = headers;
    expect(trustedHeaders(headers)).toEqual(others);
    expect(headers).toMatchObject({ cookie, authorization });
  });
});
