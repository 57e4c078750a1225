import type { AccessToken, DeviceDto } from '../../src/auth/auth.dto.js';

/** Signing in and out, over HTTP. The refresh token is a cookie that this page can't see. */
export class Account {
  /** Told of each access token: the page shows how old it is. */
  onToken: (token: AccessToken) => void = () => {};

  /** @throws Error with a sentence for people. */
  async logIn(name: string, password: string): Promise<void> {
    await send('POST', '/auth/login', { name, password });
  }

  /** A fresh access token, or `null` where nobody is signed in any more. It is kept nowhere. */
  async refresh(): Promise<AccessToken | null> {
    const response = await fetch('/auth/refresh', { method: 'POST' });
    if (response.status === 401) return null;
    if (!response.ok) throw new Error('The server could not renew the sign-in.');
    const token = (await response.json()) as AccessToken;
    this.onToken(token);
    return token;
  }

  async logOut(): Promise<void> {
    await send('POST', '/auth/logout');
  }

  async devices(): Promise<DeviceDto[]> {
    return (await send('GET', '/auth/devices')).json() as Promise<DeviceDto[]>;
  }

  async logOutDevice(id: string): Promise<void> {
    await send('DELETE', `/auth/devices/${encodeURIComponent(id)}`);
  }
}

async function send(method: string, path: string, body?: object): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await sentenceOf(response));
  return response;
}

/** What Nest's exceptions say stands in `message`: a text, or one for each bad property. */
async function sentenceOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const message: unknown = Object(body).message;
  return message === undefined ? `The server said ${response.status}.` : String(message);
}
