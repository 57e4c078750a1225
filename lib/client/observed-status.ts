import type { ClientStatus } from './types.js';

type Listener = (status: ClientStatus) => void;

/**
 * A client's status and who listens to it. Listeners run in a microtask behind the change, in the
 * order of the changes: whatever a listener does, it finds the client at rest and disturbs nothing.
 */
export class ObservedStatus {
  readonly #listeners = new Set<Listener>();
  #current: ClientStatus = 'idle';

  get current(): ClientStatus {
    return this.#current;
  }

  set(status: ClientStatus): void {
    if (this.#current === status) return;
    this.#current = status;
    if (this.#listeners.size === 0) return;
    const listeners = [...this.#listeners];
    queueMicrotask(() => {
      for (const listener of listeners) if (this.#listeners.has(listener)) tell(listener, status);
    });
  }

  /** Listens to every change from now on, until the returned function is called. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Node has no `reportError`: there, an error thrown past here would end the process. */
function tell(listener: Listener, status: ClientStatus): void {
  try {
    listener(status);
  } catch (error) {
    if (typeof reportError === 'function') reportError(error);
  }
}
