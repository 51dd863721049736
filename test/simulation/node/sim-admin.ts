import { messageOf } from '../../../base/errors.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import type { Bypasses, ServerAdmin } from '../../../mysql-bridge/bridge-parts.ts';
import type { StatementTrace } from '../../../mysql-bridge/role/unlogged-writes.ts';
import { MySqlServerError } from '../../../mysql-bridge/server/errors.ts';
import { type ReplicaHalf, replicaFaultsOf } from '../../../mysql-bridge/server/replica-status.ts';
import {
  checkBypass,
  checkSemisync,
  formatFaults,
  type SemisyncStatus,
} from '../../../mysql-bridge/server/settings-check.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import { type AdminConnections, SqlChannel } from './sql-channel.ts';

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 5_000;
const stopTimeoutMs = 60_000;
const answerGraceMs = 1_000;
const queryInterrupted = 1317;
const unknownThread = 1094;

/** As the server has it, once a session turned its binlog off. */
const trace: StatementTrace = {
  text: 'SET `sql_log_bin` = OFF',
  program: null,
  account: null,
  at: null,
};

type Role = 'primary' | 'replica' | 'changing';

/**
 * As `MySqlAdmin` of the product, statement by statement and connection by connection, against the simulated server. Its
 * judgement of what the server says (bypasses, semisync, replica faults) is the product's own code.
 */
export class SimAdmin implements ServerAdmin {
  readonly #process: SimProcess;
  readonly #reserved: SqlChannel;
  readonly #facts: SqlChannel;
  readonly #control: SqlChannel;
  readonly #waits: SqlChannel;
  #role: Role = 'replica';
  #isFollowing = false;

  private constructor(options: {
    readonly process: SimProcess;
    readonly connections: AdminConnections;
    readonly server: string;
  }) {
    this.#process = options.process;
    this.#reserved = new SqlChannel(options);
    this.#facts = new SqlChannel(options);
    this.#control = new SqlChannel(options);
    this.#waits = new SqlChannel(options);
  }

  static async connect(options: {
    readonly process: SimProcess;
    readonly connections: AdminConnections;
    readonly server: string;
  }): Promise<SimAdmin> {
    const admin = new SimAdmin(options);
    try {
      const open = { timeoutMs: connectTimeoutMs };
      await Promise.all(admin.#channels.map((channel) => channel.open(open)));
      return admin;
    } catch (error) {
      admin.close();
      throw error;
    }
  }

  async executedGtids(): Promise<string> {
    const answer = await this.#facts.query(
      { kind: 'gtid-executed' },
      { timeoutMs: statementTimeoutMs },
    );
    return answer.kind === 'value' ? answer.value : '';
  }

  async binlogEnd(): Promise<BinlogPosition> {
    const timeoutMs = statementTimeoutMs;
    const place = new Map(await this.#facts.rows({ kind: 'binlog-status' }, { timeoutMs }));
    return { file: place.get('file') ?? '', offset: BigInt(place.get('position') ?? 0) };
  }

  async waitForExecuted(gtidSet: string, timeoutMs: number): Promise<boolean> {
    const answer = await this.#waits.query(
      { kind: 'wait-for-executed', gtids: GtidSet.parse(gtidSet), timeoutMs },
      { timeoutMs: timeoutMs + answerGraceMs },
    );
    return answer.kind === 'value' && answer.value === '0';
  }

  async follow(): Promise<void> {
    await this.stopFollowing();
    await this.#control.query({ kind: 'follow' }, { timeoutMs: statementTimeoutMs });
    this.#isFollowing = true;
  }

  async stopFollowing(): Promise<void> {
    this.#isFollowing = false;
    await this.#control.query({ kind: 'stop-replica' }, { timeoutMs: stopTimeoutMs });
  }

  async setWritable(isWritable: boolean, options: { readonly timeoutMs: number }): Promise<void> {
    const before = this.#role;
    this.#role = 'changing';
    try {
      if (isWritable) {
        // Either way both settings change: `read_only` implies the one, `super_read_only` the other.
        const settings = { readOnly: false };
        await this.#control.query({ kind: 'set-global', settings }, options);
      } else await this.#becomeReadOnly(options.timeoutMs);
      this.#role = isWritable ? 'primary' : 'replica';
    } catch (error) {
      this.#role = before;
      throw error;
    }
  }

  async setFlush(role: 'primary' | 'replica'): Promise<void> {
    const settings = { flushLogAtCommit: role === 'primary' ? 1 : 2 } as const;
    await this.#control.query({ kind: 'set-global', settings }, { timeoutMs: statementTimeoutMs });
  }

  async setEventScheduler(isOn: boolean): Promise<void> {
    const settings = { eventScheduler: isOn };
    await this.#control.query({ kind: 'set-global', settings }, { timeoutMs: statementTimeoutMs });
  }

  async settingsFaults(): Promise<readonly string[]> {
    const before = this.#role;
    const settings = await this.#settings();
    const role = before === this.#role ? before : 'changing';
    return settingsFaultsOf(settings, role);
  }

  async semisyncFaults(): Promise<readonly string[]> {
    return checkSemisync(await this.#semisync()).map((fault) => formatFaults([fault]));
  }

  async bypasses(): Promise<Bypasses> {
    const { status, waitPoint, wasBinlogOff } = await this.#semisyncFacts();
    const gate = checkBypass(status, waitPoint).map((fault) => formatFaults([fault]));
    return { gate, traces: wasBinlogOff ? [trace] : [] };
  }

  async replicaFaults(): Promise<readonly string[]> {
    if (!this.#isFollowing) return [];
    const rows = await this.#facts.rows(
      { kind: 'replica-status' },
      { timeoutMs: statementTimeoutMs },
    );
    if (!this.#isFollowing) return [];
    const facts = new Map(rows);
    return replicaFaultsOf({
      receiver: half(facts, 'receiver'),
      applier: half(facts, 'applier'),
      retrieved: facts.get('retrieved') ?? '',
      lagSeconds: null,
    });
  }

  async probe(timeoutMs: number): Promise<boolean> {
    try {
      await this.#reserved.query({ kind: 'ping' }, { timeoutMs });
      return true;
    } catch {
      return false;
    }
  }

  async killConnections(connectionIds: readonly number[]): Promise<void> {
    for (const session of connectionIds) {
      try {
        await this.#facts.query(
          { kind: 'kill', session, what: 'connection' },
          { timeoutMs: statementTimeoutMs },
        );
      } catch (thrown) {
        const isGone =
          thrown instanceof MySqlServerError && thrown.serverErrorNumber === unknownThread;
        if (!isGone) throw thrown;
      }
    }
  }

  ensureAppAccount(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  get #channels(): readonly SqlChannel[] {
    return [this.#reserved, this.#facts, this.#control, this.#waits];
  }

  async #settings(): Promise<ReadonlyMap<string, string>> {
    const timeoutMs = statementTimeoutMs;
    return new Map(await this.#facts.rows({ kind: 'global-settings' }, { timeoutMs }));
  }

  async #semisync(): Promise<SemisyncStatus> {
    return (await this.#semisyncFacts()).status;
  }

  async #semisyncFacts(): Promise<{
    readonly status: SemisyncStatus;
    readonly waitPoint: string;
    readonly wasBinlogOff: boolean;
  }> {
    const timeoutMs = statementTimeoutMs;
    const facts = new Map(await this.#facts.rows({ kind: 'semisync-status' }, { timeoutMs }));
    return {
      status: {
        isWaiting: facts.get('status') === 'ON',
        clients: Number(facts.get('clients')),
        unacknowledged: Number(facts.get('no_tx')),
        waitingSessions: Number(facts.get('wait_sessions')),
      },
      waitPoint: facts.get('wait_point') ?? '',
      wasBinlogOff: facts.has('was_log_bin_off'),
    };
  }

  async #becomeReadOnly(timeoutMs: number): Promise<void> {
    await this.#control.open({ timeoutMs });
    const { threadId } = this.#control;
    const abort = new AbortController();
    const settings = { superReadOnly: true };
    const attempt = this.#control.query(
      { kind: 'set-global', settings },
      { timeoutMs: timeoutMs + statementTimeoutMs },
    );
    const takenBack = this.#process.clock.delay(timeoutMs, { signal: abort.signal }).then(
      async () => {
        await this.#facts.query(
          { kind: 'kill', session: threadId, what: 'query' },
          { timeoutMs: statementTimeoutMs },
        );
      },
      () => undefined,
    );
    try {
      await attempt;
    } catch (error) {
      if (!(error instanceof MySqlServerError && error.serverErrorNumber === queryInterrupted)) {
        throw error;
      }
      throw new MySqlServerError(
        'MYSQL_STATEMENT_TIMEOUT',
        `mysqld did not become read-only within ${timeoutMs} ms`,
        { cause: error },
      );
    } finally {
      abort.abort();
      await takenBack.catch((error: unknown) => messageOf(error));
    }
  }
}

/** What the required settings are for a role, of those that the simulated server has. */
function settingsFaultsOf(settings: ReadonlyMap<string, string>, role: Role): readonly string[] {
  const wanted: readonly (readonly [name: string, value: string])[] = [
    ['semisyncEnabled', 'true'],
    ['semisyncWaitsWithoutReplica', 'true'],
    ['semisyncWaitPoint', 'AFTER_SYNC'],
    ...(role === 'replica'
      ? ([
          ['superReadOnly', 'true'],
          ['eventScheduler', 'false'],
        ] as const)
      : []),
    ...(role === 'primary'
      ? ([
          ['superReadOnly', 'false'],
          ['flushLogAtCommit', '1'],
        ] as const)
      : []),
  ];
  return wanted.flatMap(([name, value]) =>
    settings.get(name) === value ? [] : [`${name} is ${settings.get(name)}, allowed: ${value}`],
  );
}

function half(facts: ReadonlyMap<string, string>, name: 'receiver' | 'applier'): ReplicaHalf {
  const state = facts.get(name);
  const error = facts.get(`${name}_error`) ?? '';
  return {
    state: state === 'running' || state === 'connecting' ? state : 'stopped',
    error: error === '' ? null : error,
  };
}
