import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { codeOf } from '../../base/errors.ts';

/** What became of one insert, as its client was told. */
export type Outcome = 'acked' | 'failed' | 'unknown';

export interface WorkloadOptions {
  readonly ports: readonly number[];
  /** Where each port is; loopback when left out. */
  readonly hosts?: readonly string[];
  readonly user: string;
  readonly password: string;
  readonly writers: number;
  readonly table: string;
  /** In front of every id, where several workloads write one table. */
  readonly idPrefix?: string;
  /** After each write of a writer; none when left out: as many writes as there can be. */
  readonly pauseMs?: number;
}

/** The history of one run, in memory: enough to tell what must, may and must not be in the table. */
export class WriteHistory {
  readonly outcomes: Map<string, Outcome> = new Map();
  /** Monotonic times of acknowledged writes, ascending by writer only. */
  readonly ackTimesMs: number[] = [];
  readonly errors: Map<string, number> = new Map();

  record(id: string, outcome: Outcome): void {
    this.outcomes.set(id, outcome);
    if (outcome === 'acked') this.ackTimesMs.push(performance.now());
  }

  recordError(thrown: unknown): void {
    const name = codeOf(thrown) ?? 'UNKNOWN';
    this.errors.set(name, (this.errors.get(name) ?? 0) + 1);
  }

  count(outcome: Outcome): number {
    let sum = 0;
    for (const each of this.outcomes.values()) sum += Number(each === outcome);
    return sum;
  }

  /** Longest time without an acknowledged write that began or ended in `[fromMs, toMs]`. */
  writeGapMs(fromMs: number, toMs: number): number {
    const times = [...this.ackTimesMs].sort((left, right) => left - right);
    let longest = 0;
    for (let index = 1; index < times.length; index += 1) {
      const before = times[index - 1] ?? 0;
      const after = times[index] ?? 0;
      if (after >= fromMs && before <= toMs) longest = Math.max(longest, after - before);
    }
    return longest;
  }
}

/** SQLSTATE 08007, "transaction resolution unknown": what the proxy answers when it cannot know. */
const resolutionUnknown = '08007';
/** A paused node accepts connections and says nothing: an application would give up and try another address. */
const connectTimeoutMs = 2_000;
const retryPauseMs = 10;
/** Writes that flow need a small part of it, on any machine. */
const lastResortMs = 240_000;

/** Writers that insert unique rows through the read-write ports until stopped, and write down what they were told. */
export class Workload implements AsyncDisposable {
  readonly history: WriteHistory = new WriteHistory();
  readonly #options: WorkloadOptions;
  readonly #stop = new AbortController();
  readonly #writers: Promise<void>[];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#writers = Array.from({ length: options.writers }, (_, writer) => this.#write(writer));
  }

  async stop(): Promise<WriteHistory> {
    this.#stop.abort();
    await Promise.all(this.#writers);
    return this.history;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Waits until this many more writes were acknowledged. */
  async progress(writes: number): Promise<void> {
    const wanted = this.history.ackTimesMs.length + writes;
    const deadline = performance.now() + lastResortMs;
    while (this.history.ackTimesMs.length < wanted) {
      if (performance.now() > deadline) {
        throw new Error(
          `only ${this.history.ackTimesMs.length} of ${wanted} writes after ${lastResortMs} ms`,
        );
      }
      await delay(retryPauseMs);
    }
  }

  async #write(writer: number): Promise<void> {
    let connection: Connection | null = null;
    for (let sequence = 0; !this.#stop.signal.aborted; ) {
      connection ??= await this.#connect();
      if (connection === null) {
        await delay(retryPauseMs);
        continue;
      }
      const id = `${this.#options.idPrefix ?? ''}${writer}-${sequence}`;
      sequence += 1;
      const outcome = await this.#insert(connection, id);
      this.history.record(id, outcome);
      if (outcome === 'acked') {
        await this.#pause();
        continue;
      }
      // Whatever failed, the next write starts on a fresh session: this one may be on a deposed primary.
      connection.destroy();
      connection = null;
    }
    connection?.destroy();
  }

  async #pause(): Promise<void> {
    const { pauseMs } = this.#options;
    if (pauseMs === undefined) return;
    await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  async #connect(): Promise<Connection | null> {
    const { ports, hosts, user, password } = this.#options;
    // Not the next one: all writers would gather on the same node.
    const place = Math.floor(Math.random() * ports.length);
    try {
      const connection = await createConnection({
        host: hosts?.[place] ?? '127.0.0.1',
        port: ports[place] ?? 0,
        user,
        password,
        connectTimeout: connectTimeoutMs,
      });
      // Errors of an idle connection surface at the next statement; without a listener they would end the process.
      connection.on('error', () => undefined);
      return connection;
    } catch (thrown) {
      this.history.recordError(thrown);
      return null;
    }
  }

  async #insert(connection: Connection, id: string): Promise<Outcome> {
    try {
      await connection.query(`INSERT INTO ${this.#options.table} (id, writer_note) VALUES (?, ?)`, [
        id,
        `written by ${id}`,
      ]);
      return 'acked';
    } catch (thrown) {
      this.history.recordError(thrown);
      return definiteFailure(thrown) ? 'failed' : 'unknown';
    }
  }
}

/** An ERR packet of the server or the proxy is definite, unless it says itself that it is not; a lost connection never is. */
export function definiteFailure(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  const errno = 'errno' in thrown && typeof thrown.errno === 'number' ? thrown.errno : 0;
  const sqlState = 'sqlState' in thrown ? String(thrown.sqlState) : '';
  return errno > 0 && sqlState !== '' && sqlState !== resolutionUnknown;
}
