import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { createDataFolder } from '../../mysql-bridge/server/data-folder.ts';
import { dataDirectoryArgument } from '../../mysql-bridge/server/left-behind.ts';
import { parseVersion } from '../../mysql-bridge/server/mysql-version.ts';
import { defaultTuning, serverConfig } from '../../mysql-bridge/server/server-config.ts';
import { makeSocketFolder, socketPathFor } from '../../mysql-bridge/server/socket-path.ts';
import type { Environment, Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type SqlEndpoint, withSql } from '../sql.ts';

/** Has all privileges on every server of a peer; made with the template. */
export const peerAccount = { user: 'bench', password: 'only-for-benchmarks' } as const;

/** As a node of ours sets it for the 1000 sessions of its proxy; caches are sized by it. */
const maxConnections = 2050;
const startTimeoutMs = 60_000;
const readyPollMs = 50;
const lastLines = 5;

/**
 * What of this project's own server configuration a server without it needs otherwise. Everything that is not named here, from the
 * buffer pool to the size of a binlog file, is the same line of the same file as in our nodes.
 */
const peerSettings: Readonly<Record<string, string>> = {
  rpl_semi_sync_source_enabled: 'OFF',
  super_read_only: 'OFF',
  read_only: 'OFF',
  event_scheduler: 'ON',
  // MySQL's defaults, and what a replica that may become the source needs.
  log_replica_updates: 'ON',
  replicate_same_server_id: 'OFF',
  report_host: '127.0.0.1',
};

export interface PlainServerOptions {
  /** 1, 2, 3: its ports and its server id. */
  readonly number: number;
  /** Plug-ins besides the one our nodes load. */
  readonly plugins?: readonly string[];
  /** What this contender sets, by option name. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** One mysqld of a peer, on a copy of the template. Killed, and its folder removed, with its turn. */
export class PlainServer implements AsyncDisposable {
  readonly endpoint: SqlEndpoint;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #logPath: string;

  private constructor(child: ChildProcess, endpoint: SqlEndpoint, logPath: string) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    });
    this.endpoint = endpoint;
    this.#logPath = logPath;
  }

  static async start(turn: Turn, options: PlainServerOptions): Promise<PlainServer> {
    const directory = join(turn.folder, `server-${options.number}`);
    await mkdir(join(directory, 'tmp'), { recursive: true, mode: 0o700 });
    await cp(turn.templateData, join(directory, 'data'), { recursive: true });
    const socketPath = socketPathFor(directory);
    await makeSocketFolder(socketPath);
    const logPath = join(directory, 'mysqld.log');
    const configPath = join(directory, 'my.cnf');
    await writeFile(configPath, configText({ turn, options, directory, socketPath, logPath }));
    const [program = '', ...args] = [
      ...turn.launcher,
      ...turn.installation.mysqldCommand,
      `--defaults-file=${configPath}`,
      ...turn.installation.mysqldOptions,
      dataDirectoryArgument(join(directory, 'data')),
    ];
    const log = await open(logPath, 'a', 0o600);
    // A group of its own: Ctrl-C is for us, who end it when nothing uses it any more.
    const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd], detached: true });
    await log.close();
    const port = turn.ports.server(options.number).mysql;
    const server = new PlainServer(child, { ...peerAccount, port }, logPath);
    try {
      await server.#untilReady(turn.clock, turn.signal);
    } catch (thrown) {
      await server[Symbol.asyncDispose]();
      throw thrown;
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** What its error log says last, on one line. */
  async lastLog(): Promise<string> {
    const words = await readFile(this.#logPath, 'utf8').catch(() => '');
    return words.trim().split('\n').slice(-lastLines).join(' / ');
  }

  async #untilReady(clock: Clock, signal: AbortSignal): Promise<void> {
    const untilMs = clock.monotonicMs() + startTimeoutMs;
    for (;;) {
      signal.throwIfAborted();
      const problem = await withSql(this.endpoint, clock, (query) => query('DO 1')).then(
        () => null,
        messageOf,
      );
      if (problem === null) return;
      const isGone = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (isGone || clock.monotonicMs() > untilMs) {
        const last = await this.lastLog();
        throw new BenchError('BENCH_START_FAILED', `mysqld did not start: ${problem}: ${last}`);
      }
      await clock.delay(readyPollMs, { signal });
    }
  }
}

/** The data folder that all servers of peers begin with, made by the same steps as our own. */
export async function makeTemplate(
  environment: Pick<Environment, 'installation' | 'launcher'>,
  directory: string,
): Promise<string> {
  const temporaryDirectory = join(directory, 'tmp');
  await mkdir(temporaryDirectory, { recursive: true, mode: 0o700 });
  await createDataFolder({
    ...environment,
    account: peerAccount,
    directory,
    temporaryDirectory,
    runAs: runAs(),
  });
  await rm(temporaryDirectory, { recursive: true, force: true });
  return join(directory, 'data');
}

function configText(parts: {
  readonly turn: Turn;
  readonly options: PlainServerOptions;
  readonly directory: string;
  readonly socketPath: string;
  readonly logPath: string;
}): string {
  const { turn, options, directory } = parts;
  const version = parseVersion(turn.installation.version);
  if (version === null) throw new BenchError('BENCH_START_FAILED', 'this mysqld has no version');
  const ports = turn.ports.server(options.number);
  const shared = serverConfig({
    version,
    dataDirectory: join(directory, 'data'),
    temporaryDirectory: join(directory, 'tmp'),
    errorLogPath: parts.logPath,
    socketPath: parts.socketPath,
    pidPath: join(directory, 'data', 'mysqld.pid'),
    port: ports.mysql,
    adminPort: ports.admin,
    serverId: options.number,
    runAs: runAs(),
    tuning: { ...defaultTuning, maxConnections },
  });
  // Later lines of an option file win over earlier ones.
  const own = Object.entries({ ...peerSettings, ...options.settings });
  const plugins = (options.plugins ?? []).map((name) => ['plugin_load_add', name] as const);
  return `${shared}${[...plugins, ...own].map(([name, value]) => `${name} = "${value}"\n`).join('')}`;
}

function runAs(): 'root' | null {
  return process.getuid?.() === 0 ? 'root' : null;
}
