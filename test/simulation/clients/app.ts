import type { Random } from '../../../base/random.ts';
import { pickFrom } from '../kernel/random-streams.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimStatement } from '../mysql/statements.ts';
import type { ByteConnections } from '../node/byte-socket.ts';
import { type ClientAnswer, SqlClient, type StatementNumbers } from './sql-client.ts';

/** Names of Jepsen processes: one whose operation ended in `info` is never used again. */
export class ProcessNames {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

export interface AppOptions {
  readonly process: SimProcess;
  readonly name: string;
  readonly random: Random;
  readonly numbers: StatementNumbers;
  readonly names: ProcessNames;
  /** The port that the application connects to, on any of these nodes. */
  readonly connections: ByteConnections;
  readonly nodes: () => readonly string[];
  /** Mean time between two operations. */
  readonly thinkMs: number;
  /** Said first on each new connection. */
  readonly prologue: readonly SimStatement[];
  /** Told of each commit that the client was told of. */
  readonly onAcknowledged: (gtid: string) => void;
}

/** What became of an operation, for the history. */
export type Fate = 'ok' | 'fail' | 'info';

const connectTimeoutMs = 4_000;
const statementTimeoutMs = 8_000;
const backOffMsMax = 300;

/**
 * One thread of an application: connects to some node, does one operation after another, connects to another node when the
 * connection is lost. It repeats nothing.
 */
export class App {
  readonly #options: AppOptions;
  #client: SqlClient | null = null;
  #processName: number;
  #isStopped = false;
  #connectionsEver = 0;

  constructor(options: AppOptions) {
    this.#options = options;
    this.#processName = options.names.next();
  }

  /** For the history. */
  get processName(): number {
    return this.#processName;
  }

  /** Grows with each new connection. */
  get connectionNumber(): number {
    return this.#connectionsEver;
  }

  get name(): string {
    return this.#options.name;
  }

  get random(): Random {
    return this.#options.random;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Runs operations until stopped; each says how it ended. */
  async run(operate: (app: App) => Promise<Fate>): Promise<void> {
    const { process, random, thinkMs, names } = this.#options;
    while (!this.#isStopped && !process.isDead) {
      await process.clock.delay(random.below(0, 2 * thinkMs));
      if (this.#isStopped || !(await this.#ensureConnected())) continue;
      const fate = await operate(this);
      if (fate === 'info') {
        this.#processName = names.next();
        this.disconnect();
      }
    }
    this.disconnect();
  }

  async query(statement: SimStatement): Promise<ClientAnswer> {
    const client = this.#client;
    if (client === null) return { kind: 'lost' };
    const answer = await client.query(statement, statementTimeoutMs);
    if (answer.kind === 'ok' && answer.gtid !== null) this.#options.onAcknowledged(answer.gtid);
    return answer;
  }

  async pause(ms: number): Promise<void> {
    await this.#options.process.clock.delay(ms);
  }

  disconnect(): void {
    this.#client?.close();
    this.#client = null;
  }

  async #ensureConnected(): Promise<boolean> {
    if (this.#client?.isUsable === true) return true;
    this.#client = null;
    const { process, random, nodes, numbers, connections, prologue } = this.#options;
    const to = `${pickFrom(random, nodes())}/sidecar`;
    const client = await SqlClient.open({
      process,
      numbers,
      connections,
      to,
      timeoutMs: connectTimeoutMs,
    });
    if (client === null) {
      await process.clock.delay(random.below(1, backOffMsMax));
      return false;
    }
    this.#connectionsEver += 1;
    this.#client = client;
    for (const statement of prologue) {
      const answer = await client.query(statement, statementTimeoutMs);
      if (answer.kind !== 'ok') {
        this.disconnect();
        return false;
      }
    }
    return true;
  }
}

/**
 * Whether a write that was not acknowledged may have happened. Everything that a server or the proxy says to be an error is
 * taken at its word, but for the one that says "unknown" (HAZARDS G4): the checkers hold them to it.
 */
export function fateOfWrite(answer: ClientAnswer): Fate {
  switch (answer.kind) {
    case 'ok':
    case 'rows':
      return 'ok';
    case 'lost':
      return 'info';
    case 'error': {
      if (answer.message.startsWith('PROXY_OUTCOME_UNKNOWN')) return 'info';
      // The server itself, while it shuts down, says nothing about the commit.
      const isShutdown = answer.number === 1053 && !answer.message.startsWith('PROXY_');
      return isShutdown ? 'info' : 'fail';
    }
  }
}

/** A read that was not answered has no effect whatever became of it; a transaction that only read, neither. */
export function fateOfRead(answer: ClientAnswer): Fate {
  return answer.kind === 'ok' || answer.kind === 'rows' ? 'ok' : 'fail';
}
