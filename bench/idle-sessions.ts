import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';

const retryPauseMs = 50;

export interface IdleSessionsOptions {
  readonly count: number;
  /** Used in turn. */
  readonly ports: readonly number[];
  readonly user: string;
  readonly password: string;
}

/**
 * Sessions that are logged in and do nothing, as most sessions of a connection pool. One that is ended, as by a change of the
 * primary, is opened again, as a pool would.
 */
export class IdleSessions implements AsyncDisposable {
  readonly #options: IdleSessionsOptions;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];
  #open = 0;

  constructor(options: IdleSessionsOptions) {
    this.#options = options;
    this.#loops = Array.from({ length: options.count }, (_, index) => this.#hold(index));
  }

  /** How many are logged in. */
  get open(): number {
    return this.#open;
  }

  /** Settles when all of them are logged in. */
  async allOpen(signal: AbortSignal): Promise<void> {
    while (this.#open < this.#options.count) await delay(retryPauseMs, undefined, { signal });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #hold(index: number): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = index; !signal.aborted; attempt += 1) {
      const connection = await this.#connect(attempt);
      if (connection !== null) {
        this.#open += 1;
        await ended(connection, signal);
        this.#open -= 1;
        connection.destroy();
      } else {
        await delay(retryPauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #connect(attempt: number): Promise<Connection | null> {
    const { ports, user, password } = this.#options;
    const port = ports[attempt % ports.length] ?? 0;
    return await createConnection({ host: '127.0.0.1', port, user, password }).catch(() => null);
  }
}

/** When a session is over, for whatever reason. */
function ended(connection: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => resolve();
    connection.on('error', over);
    connection.on('end', over);
    signal.addEventListener('abort', over, { once: true });
    if (signal.aborted) over();
  });
}
