import { assert } from '../../../base/assert.ts';
import { type Deferred, deferred } from '../../../base/deferred.ts';
import { messageOf } from '../../../base/errors.ts';
import type {
  Condemnation,
  MySqlExit,
  MySqlServer,
  MySqlServerState,
} from '../../../mysql-bridge/mysql-server.ts';
import { MySqlServerError } from '../../../mysql-bridge/server/errors.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { MysqldHost } from './mysqld-host.ts';
import { portNumbers } from './sim-workers.ts';
import { type AdminConnections, SqlChannel } from './sql-channel.ts';

const readyPollMs = 100;
const pollTimeoutMs = 1_000;
const startTimeoutMs = 60_000;
const initialiseMs = 700;
const reapUs = 2_000;
const markStepUsMax = 10_000;

interface Run {
  readonly exited: Deferred<MySqlExit>;
  isEndWanted: boolean;
}

/** The supervisor of a node's mysqld, in its sidecar: the rules of `MysqldProcess` over a simulated process. */
export class SimServer implements MySqlServer {
  readonly socketPath = 'mysql.sock';
  readonly port: number = portNumbers.mysql;
  readonly adminPort = 0;
  readonly dataDirectory = 'data';
  readonly #process: SimProcess;
  readonly #mysqld: MysqldHost;
  readonly #connections: AdminConnections;
  readonly #listeners = new Set<(exit: MySqlExit) => void>();
  #run: Run | null = null;
  #isReady = false;

  /** `diesWithParent`: the launcher asks the kernel to kill mysqld with its sidecar (PR_SET_PDEATHSIG). */
  constructor(options: {
    readonly process: SimProcess;
    readonly mysqld: MysqldHost;
    readonly connections: AdminConnections;
    readonly diesWithParent: boolean;
  }) {
    this.#process = options.process;
    this.#mysqld = options.mysqld;
    this.#connections = options.connections;
    const stop = this.#mysqld.onExit((how) => this.#exited(how));
    this.#process.onDeath(() => {
      stop();
      if (options.diesWithParent) this.#mysqld.process?.kill('its parent died');
    });
  }

  get state(): MySqlServerState {
    if (this.#run === null) return 'stopped';
    return this.#isReady ? 'running' : 'starting';
  }

  get pid(): number | null {
    return this.#run === null ? null : 1;
  }

  async prepare(): Promise<void> {
    assert(this.#run === null, 'a server is prepared while it is stopped');
    this.#mysqld.process?.kill('left behind');
    await this.#createDataFolder();
  }

  async start(): Promise<void> {
    assert(this.#run === null, 'a server is started while it is stopped');
    const condemned = await this.condemnation();
    if (condemned !== null) throw new MySqlServerError('MYSQL_SERVER_CONDEMNED', condemned.reason);
    if (!this.#process.act()) return;
    const run: Run = { exited: deferred<MySqlExit>(), isEndWanted: false };
    this.#run = run;
    this.#isReady = false;
    this.#mysqld.execute();
    try {
      await this.#untilReady(run);
    } catch (error) {
      await this.kill();
      throw error;
    }
    this.#isReady = true;
  }

  async kill(): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    run.isEndWanted = true;
    if (this.#process.act()) this.#mysqld.process?.kill('SIGKILL');
    await run.exited.promise;
  }

  async stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    run.isEndWanted = true;
    if (this.#process.act()) this.#mysqld.shutDown();
    const abort = new AbortController();
    const late = this.#process.clock.delay(deadlineMs, { signal: abort.signal }).then(
      () => this.#mysqld.process?.kill('SIGKILL'),
      () => undefined,
    );
    await run.exited.promise;
    abort.abort();
    await late;
  }

  /** The file is there before it is durable, and in between a power cut decides. */
  async condemn(condemnation: Condemnation): Promise<void> {
    const folder = this.#mysqld.mark;
    await this.#diskStep();
    if (!this.#process.act()) return;
    folder.write(condemnation);
    await this.#diskStep();
    if (!this.#process.act()) return;
    folder.sync();
  }

  condemnation(): Promise<Condemnation | null> {
    return Promise.resolve(this.#mysqld.mark.text);
  }

  async diskFault(timeoutMs: number): Promise<string | null> {
    const hangsMs = this.#mysqld.diskHangsForUs / 1000;
    if (hangsMs === 0) return null;
    await this.#process.clock.delay(Math.min(timeoutMs, hangsMs));
    return hangsMs < timeoutMs ? null : `the disk did not take a write for ${timeoutMs} ms`;
  }

  async rebuild(): Promise<void> {
    assert(this.#run === null, 'a server is rebuilt while it is stopped');
    // A crash in between leaves no data folder, and the next start makes one.
    this.#mysqld.wipe();
    await this.#createDataFolder();
  }

  onExit(listener: (exit: MySqlExit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #diskStep(): Promise<void> {
    const { simulation, host } = this.#process;
    const us = simulation.random(`condemned mark ${host.name}`).below(20, markStepUsMax);
    return new Promise((resolve) => {
      simulation.after(us, () => this.#process.enter(resolve));
    });
  }

  async #createDataFolder(): Promise<void> {
    if (this.#mysqld.program !== null) return;
    await this.#process.clock.delay(initialiseMs);
    // In a new folder, renamed when it is whole.
    this.#mysqld.initialise();
  }

  /** The parent is told of its child's end when it gets to it. */
  #exited(how: string): void {
    const { simulation } = this.#process;
    const run = this.#run;
    // One that an earlier sidecar left behind is nobody's child here.
    if (run === null) return;
    simulation.after(reapUs, () =>
      this.#process.enter(() => {
        if (this.#run !== run) return;
        this.#run = null;
        this.#isReady = false;
        const exit = { status: null, signal: how, wanted: run.isEndWanted, lastErrors: [] };
        run.exited.resolve(exit);
        for (const listener of this.#listeners) listener(exit);
      }),
    );
  }

  async #untilReady(run: Run): Promise<void> {
    const { clock } = this.#process;
    const channel = new SqlChannel({
      process: this.#process,
      connections: this.#connections,
      server: this.#mysqld.name,
    });
    const untilMs = clock.monotonicMs() + startTimeoutMs;
    let problem = '';
    try {
      while (clock.monotonicMs() < untilMs) {
        if (this.#run !== run) throw failed('mysqld ended while it started');
        try {
          await channel.rows({ kind: 'global-settings' }, { timeoutMs: pollTimeoutMs });
          return;
        } catch (error) {
          problem = messageOf(error);
        }
        await clock.delay(readyPollMs);
      }
    } finally {
      channel.close();
    }
    throw failed(`mysqld was not ready within ${startTimeoutMs} ms: ${problem}`);
  }
}

function failed(message: string): MySqlServerError {
  return new MySqlServerError('MYSQL_START_FAILED', message);
}
