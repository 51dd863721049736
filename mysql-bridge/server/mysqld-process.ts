import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { messageOf } from '../../base/errors.ts';
import { FatalError } from '../../base/fatal.ts';
import type { Logger } from '../../base/logger.ts';
import type {
  Condemnation,
  InternalAccount,
  MySqlExit,
  MySqlInstallation,
  MySqlServer,
  MySqlServerState,
} from '../mysql-server.ts';
import { condemnedError, readCondemnedMark, writeCondemnedMark } from './condemned-mark.ts';
import { DataDisk } from './data-disk.ts';
import {
  createDataFolder,
  dataDirectoryOf,
  draftDirectoryOf,
  moveDataFolderAside,
} from './data-folder.ts';
import { lastErrorsOf, rotateErrorLog, trimErrorLog } from './error-log.ts';
import { MySqlServerError } from './errors.ts';
import { fatalCauseOf } from './explain-failure.ts';
import { deathLauncher } from './launcher.ts';
import { dataDirectoryArgument, killLeftBehind } from './left-behind.ts';
import { type MySqlVersion, parseVersion } from './mysql-version.ts';
import { type ServerTuning, serverConfig } from './server-config.ts';
import { readVariables } from './server-facts.ts';
import { checkSettings, formatFaults } from './settings-check.ts';
import { makeSocketFolder, removeSocketFiles, socketPathFor } from './socket-path.ts';
import { SqlConnection } from './sql-connection.ts';

export interface MysqldOptions {
  readonly installation: MySqlInstallation;
  /** The folder of this server alone: data, logs, generated configuration and secrets are below it. */
  readonly directory: string;
  readonly port: number;
  readonly adminPort: number;
  readonly serverId: number;
  readonly account: InternalAccount;
  readonly tuning: ServerTuning;
  /** How long a start may take; crash recovery of much data takes minutes. */
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const readyPollMs = 20;
const connectTimeoutMs = 5_000;
const trimEveryMs = 60_000;

/** The one mysqld of a node, as a child process. See `MySqlServer` for what each call promises. */
export class MysqldProcess implements MySqlServer {
  readonly port: number;
  readonly adminPort: number;
  readonly dataDirectory: string;
  readonly socketPath: string;
  readonly #options: MysqldOptions;
  readonly #version: MySqlVersion;
  readonly #errorLogPath: string;
  readonly #temporaryDirectory: string;
  readonly #listeners = new Set<(exit: MySqlExit) => void>();
  readonly #disk: DataDisk;
  #launcher: readonly string[] = [];
  #run: Run | null = null;
  #isReady = false;
  /** How often an end was asked for: a start that was still preparing then spawns nothing. */
  #endsAsked = 0;

  constructor(options: MysqldOptions) {
    const version = parseVersion(options.installation.version);
    assert(version !== null, 'an installation has a version');
    this.#options = options;
    this.#version = version;
    this.port = options.port;
    this.adminPort = options.adminPort;
    this.dataDirectory = dataDirectoryOf(options.directory);
    this.socketPath = socketPathFor(options.directory);
    this.#errorLogPath = join(options.directory, 'log', 'mysqld.log');
    this.#temporaryDirectory = join(options.directory, 'tmp');
    this.#disk = new DataDisk({ directory: this.dataDirectory, clock: options.clock });
  }

  get state(): MySqlServerState {
    if (this.#run === null) return 'stopped';
    return this.#isReady ? 'running' : 'starting';
  }

  get pid(): number | null {
    return this.#run?.child.pid ?? null;
  }

  async prepare(): Promise<void> {
    assert(this.#run === null, 'a server is prepared while it is stopped');
    const { directory, clock, logger } = this.#options;
    const folders = [this.dataDirectory, draftDirectoryOf(directory)];
    const killed = await killLeftBehind(folders, clock);
    if (killed.length > 0) logger.warn('mysqld-left-behind-killed', { pids: killed });
    await removeSocketFiles(this.socketPath);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await mkdir(this.#temporaryDirectory, { recursive: true, mode: 0o700 });
    await mkdir(join(directory, 'log'), { recursive: true, mode: 0o700 });
    await makeSocketFolder(this.socketPath);
    // An unsafe option is refused here, when the node opens: a start comes later, and only once there is a leader.
    await this.#writeConfig();
    this.#launcher = await deathLauncher();
    await this.#createDataFolder();
  }

  async start(): Promise<void> {
    assert(this.#run === null, 'a server is started while it is stopped');
    const endsAsked = this.#endsAsked;
    const condemned = await this.condemnation();
    if (condemned !== null) throw condemnedError(condemned);
    await this.#writeConfig();
    await rotateErrorLog(this.#errorLogPath);
    await removeSocketFiles(this.socketPath);
    const run = await this.#spawn(endsAsked);
    try {
      await this.#untilReady(run);
    } catch (error) {
      await this.kill();
      throw error;
    }
    this.#isReady = true;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL', null);
  }

  async stop(options: { readonly deadlineMs: number }): Promise<void> {
    await this.#end('SIGTERM', options.deadlineMs);
  }

  diskFault(timeoutMs: number): Promise<string | null> {
    return this.#disk.fault(timeoutMs);
  }

  async condemn(condemnation: Condemnation): Promise<void> {
    await writeCondemnedMark(this.dataDirectory, condemnation);
  }

  async condemnation(): Promise<Condemnation | null> {
    return await readCondemnedMark(this.dataDirectory);
  }

  async rebuild(): Promise<void> {
    assert(this.#run === null, 'a server is rebuilt while it is stopped');
    await moveDataFolderAside(this.#options.directory);
    await this.#createDataFolder();
  }

  onExit(listener: (exit: MySqlExit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #createDataFolder(): Promise<void> {
    await createDataFolder({
      ...this.#options,
      launcher: this.#launcher,
      temporaryDirectory: this.#temporaryDirectory,
      runAs: runAs(),
    });
  }

  get #configPath(): string {
    return join(this.#options.directory, 'my.cnf');
  }

  async #writeConfig(): Promise<void> {
    const { tuning, serverId } = this.#options;
    const text = serverConfig({
      version: this.#version,
      dataDirectory: this.dataDirectory,
      temporaryDirectory: this.#temporaryDirectory,
      errorLogPath: this.#errorLogPath,
      socketPath: this.socketPath,
      pidPath: join(this.dataDirectory, 'mysqld.pid'),
      port: this.port,
      adminPort: this.adminPort,
      serverId,
      runAs: runAs(),
      tuning,
    });
    await writeFile(this.#configPath, text, { mode: 0o600 });
  }

  async #spawn(endsAsked: number): Promise<Run> {
    const { installation, clock } = this.#options;
    const [program = '', ...args] = [
      ...this.#launcher,
      ...installation.mysqldCommand,
      `--defaults-file=${this.#configPath}`,
      ...installation.mysqldOptions,
      // Also in the file; here it names the process to whoever looks for servers left behind.
      dataDirectoryArgument(this.dataDirectory),
    ];
    const log = await open(this.#errorLogPath, 'a', 0o600);
    try {
      if (this.#endsAsked !== endsAsked) throw endedWhileStarting();
      // A process group of its own: what a terminal sends to ours at Ctrl-C would end mysqld politely, and a polite end lets
      // commits through that nobody acknowledged (HAZARDS H2).
      const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd], detached: true });
      const stopTrimming = clock.every(
        trimEveryMs,
        () => void trimErrorLog(this.#errorLogPath).catch(() => undefined),
      );
      const exited = deferred<MySqlExit>();
      const run: Run = { child, stopTrimming, exited, isEndWanted: false, isOver: false };
      this.#run = run;
      child.once('error', (error) => void this.#onExit(run, [messageOf(error)]));
      child.once('exit', () => void this.#onExit(run, []));
      return run;
    } finally {
      await log.close();
    }
  }

  async #onExit(run: Run, words: readonly string[]): Promise<void> {
    // A program that could not be started reports an error, one that was an exit, and some systems both.
    if (run.isOver) return;
    run.isOver = true;
    run.stopTrimming();
    const lastErrors = [...(await lastErrorsOf(this.#errorLogPath).catch(() => [])), ...words];
    await removeSocketFiles(this.socketPath).catch(() => undefined);
    // Only now, or the next start could lose its new socket to this clean-up.
    this.#run = null;
    this.#isReady = false;
    const { exitCode: status, signalCode: signal } = run.child;
    const exit = { status, signal, wanted: run.isEndWanted, lastErrors };
    run.exited.resolve(exit);
    for (const listener of this.#listeners) listener(exit);
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM', deadlineMs: number | null): Promise<void> {
    this.#endsAsked += 1;
    const run = this.#run;
    if (run === null) return;
    run.isEndWanted = true;
    run.child.kill(signal);
    if (deadlineMs !== null) {
      const abort = new AbortController();
      const late = this.#options.clock
        .delay(deadlineMs, { signal: abort.signal })
        .then(() => run.child.kill('SIGKILL'))
        .catch(() => undefined);
      await run.exited.promise;
      abort.abort();
      await late;
    }
    await run.exited.promise;
  }

  /** Settles when the server answers on its reserved port, is the one that was started, and is set as it must be. */
  async #untilReady(run: Run): Promise<void> {
    const { clock, startTimeoutMs, account } = this.#options;
    const endpoint = { kind: 'port', port: this.adminPort } as const;
    const connection = new SqlConnection({ ...account, endpoint }, clock);
    const until = clock.monotonicMs() + startTimeoutMs;
    let problem: string | null = null;
    try {
      while (clock.monotonicMs() < until) {
        if (run.isOver) throw this.#startFailure(await run.exited.promise);
        problem = await this.#problemOf(connection);
        if (problem === null) return;
        await clock.delay(readyPollMs);
      }
    } finally {
      connection.close();
    }
    throw new MySqlServerError(
      'MYSQL_START_FAILED',
      `mysqld was not ready within ${startTimeoutMs} ms: ${problem}; its log is ${this.#errorLogPath}`,
    );
  }

  /** Why the server cannot be used yet, or null. Rejects with what waiting will not cure. */
  async #problemOf(connection: SqlConnection): Promise<string | null> {
    let variables: ReadonlyMap<string, string>;
    try {
      variables = await readVariables(connection, { timeoutMs: connectTimeoutMs });
    } catch (error) {
      return messageOf(error);
    }
    // Whoever holds our port already would answer in its place until mysqld gives up.
    const socket = variables.get('socket');
    if (socket !== this.socketPath) return `another server, with socket ${socket}, has its port`;
    const faults = checkSettings({ variables, role: 'replica', version: this.#version });
    if (faults.length === 0) return null;
    throw new FatalError('MYSQL_SETTING_UNSAFE', formatFaults(faults));
  }

  #startFailure(exit: MySqlExit): Error {
    if (exit.wanted) return endedWhileStarting();
    const errors = exit.lastErrors.join('\n');
    if (/Address already in use|server running on port/.test(errors)) {
      const ports = `${this.port} or ${this.adminPort}`;
      return new FatalError('PORT_TAKEN', `port ${ports} is taken by another process: ${errors}`);
    }
    const how = exit.signal === null ? `status ${exit.status}` : exit.signal;
    return (
      fatalCauseOf(exit.lastErrors, this.#options.directory) ??
      new MySqlServerError(
        'MYSQL_START_FAILED',
        `mysqld ended with ${how} while it started:\n${errors || 'its log holds no error'}`,
      )
    );
  }
}

/** One life of the process. */
interface Run {
  readonly child: ChildProcess;
  readonly stopTrimming: () => void;
  readonly exited: Deferred<MySqlExit>;
  isEndWanted: boolean;
  isOver: boolean;
}

function endedWhileStarting(): MySqlServerError {
  return new MySqlServerError('MYSQL_START_FAILED', 'mysqld was ended while it started');
}

function runAs(): 'root' | null {
  return process.getuid?.() === 0 ? 'root' : null;
}
