import type { SessionSocket } from './session-socket.ts';

/**
 * Connections to the local server of read-only sessions that have ended. A server that still runs a statement does not notice that
 * its client is gone, and could go on to a next statement that writes once it has become the primary. So each counts until
 * the server itself has closed it: then its thread has done the last thing it will ever do (HAZARDS S4, H32).
 */
export class ReadOnlyServers {
  readonly #connections = new Map<SessionSocket, number | null>();
  readonly #onEmpty: () => void;

  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  get isEmpty(): boolean {
    return this.#connections.size === 0;
  }

  /** Those the server has greeted, as KILL takes them. */
  connectionIds(): number[] {
    return [...this.#connections.values()].filter((id) => id !== null);
  }

  letGo(server: SessionSocket, connectionId: number | null): void {
    if (server.destroyed) return;
    this.#connections.set(server, connectionId);
    server.once('close', () => {
      this.#connections.delete(server);
      if (this.isEmpty) this.#onEmpty();
    });
    server.end();
    server.resume();
  }
}
