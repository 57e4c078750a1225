import { Injectable } from '@nestjs/common';
import type { MethodTable, ServerMethod } from '../server/method.js';
import type { DiscoveredMethod } from './method-explorer.js';

/** What a typed client has beside its endpoints: an endpoint of that name could not be reached. */
const CLIENT_MEMBERS: ReadonlySet<string> = new Set([
  'status',
  'onStatus',
  'close',
  'refreshCredentials',
]);

/** The streaming methods of the application, by their name on the wire. */
@Injectable()
export class MethodRegistry implements MethodTable {
  readonly #methods = new Map<string, ServerMethod>();
  readonly #found = new Map<string, DiscoveredMethod>();

  get size(): number {
    return this.#methods.size;
  }

  get(name: string): ServerMethod | undefined {
    return this.#methods.get(name);
  }

  /** @throws Error for a name that another method has, or that no client could call. */
  add(found: DiscoveredMethod, method: ServerMethod): void {
    const other = this.#found.get(method.name);
    if (other !== undefined) throw new Error(duplicate(method.name, other, found));
    checkName(found.endpoint, `The endpoint of ${found.title}`, '@Endpoint()');
    checkName(found.name, `The method ${found.title}`, '@StreamingMethod({ name })');
    if (CLIENT_MEMBERS.has(found.endpoint)) {
      throw new Error(
        `The endpoint of ${found.title} can't be called "${found.endpoint}", which is a member of the client: give its class another name with @Endpoint().`,
      );
    }
    this.#found.set(method.name, found);
    this.#methods.set(method.name, method);
  }
}

function duplicate(name: string, one: DiscoveredMethod, other: DiscoveredMethod): string {
  return `Two streaming methods are called "${name}": ${place(one)} and ${place(other)}. Provide the class once, or name one of them with @Endpoint() or @StreamingMethod({ name }).`;
}

function place(found: DiscoveredMethod): string {
  return `${found.title} of ${found.host.moduleRef.name}`;
}

/** Names that clients can't reach: what awaits or prints an object asks for them. */
const UNREACHABLE: ReadonlySet<string> = new Set(['then', 'toJSON']);

/** A dot parts the two names, and an object with a method `then` can't be awaited. */
function checkName(name: string, what: string, remedy: string): void {
  if (name !== '' && !name.includes('.') && !UNREACHABLE.has(name)) return;
  throw new Error(`${what} can't be called "${name}": choose another name with ${remedy}.`);
}
