import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { SystemClock } from '../../base/clock.ts';
import { codeOf } from '../../base/errors.ts';
import { type Logger, silentLogger } from '../../base/logger.ts';
import type { InternalAccount, MySqlInstallation } from '../../mysql-bridge/mysql-server.ts';
import { defaultCacheDirectory, findMySql } from '../../mysql-bridge/server/find-mysql.ts';
import { withLockFile } from '../../mysql-bridge/server/lock-file.ts';
import { pathExists } from '../../mysql-bridge/server/machine.ts';
import { MysqldProcess } from '../../mysql-bridge/server/mysqld-process.ts';
import { defaultTuning, type ServerTuning } from '../../mysql-bridge/server/server-config.ts';
import { lowPort } from './low-port.ts';

// A real mysqld for a test in about a second: the first test of a machine makes an initialised data folder, all copy it.

export interface TestMySqlOptions {
  readonly serverId?: number;
  readonly tuning?: Partial<ServerTuning>;
  readonly logger?: Logger;
  /** False: prepared but not started. */
  readonly isStarted?: boolean;
  /** Where its folder is made; among temporary files when left out. */
  readonly parent?: string;
}

export interface TestMySql extends AsyncDisposable {
  readonly installation: MySqlInstallation;
  /** All privileges, over the socket and both ports. */
  readonly account: InternalAccount;
  readonly server: MysqldProcess;
  /** The server's own folder, with `data`, `log` and `my.cnf` below it. */
  readonly directory: string;
  /** An ordinary connection over the unix socket; closed with the server. */
  connect(): Promise<Connection>;
}

export const testAccount: InternalAccount = { user: 'binraft', password: 'only-for-tests' };

const clock = new SystemClock();
const portAttemptsMax = 5;
let installationOnce: Promise<MySqlInstallation> | null = null;

/** The server program that tests run, found or fetched as `npm start` would. */
export function testInstallation(): Promise<MySqlInstallation> {
  installationOnce ??= findMySql({
    mysqld: process.env['BINRAFT_MYSQLD'] ?? null,
    searchPath: process.env['PATH'] ?? '',
    cacheDirectory: defaultCacheDirectory({
      xdgCacheHome: process.env['XDG_CACHE_HOME'],
      home: homedir(),
    }),
    clock,
    logger: silentLogger,
  });
  return installationOnce;
}

/** A server of its own for one test, read-only as every server starts. Dispose it: `await using`. */
export async function startTestMySql(options: TestMySqlOptions = {}): Promise<TestMySql> {
  const installation = await testInstallation();
  const template = await initialisedTemplate(installation);
  for (let attempt = 1; ; attempt += 1) {
    const directory = await mkdtemp(join(options.parent ?? tmpdir(), 'binraft-mysql-'));
    await cp(join(template, 'data'), join(directory, 'data'), { recursive: true });
    const server = await newServer({ ...options, installation, directory });
    try {
      await server.prepare();
      if (options.isStarted ?? true) await server.start();
      return handle({ installation, directory, server });
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      // Between choosing a free port and using it another test may have taken it.
      if (codeOf(error) !== 'PORT_TAKEN' || attempt === portAttemptsMax) throw error;
    }
  }
}

function handle(parts: {
  readonly installation: MySqlInstallation;
  readonly directory: string;
  readonly server: MysqldProcess;
}): TestMySql {
  const connections: Connection[] = [];
  return {
    ...parts,
    account: testAccount,
    async connect() {
      const connection = await createConnection({
        ...testAccount,
        socketPath: parts.server.socketPath,
        supportBigNumbers: true,
        multipleStatements: true,
      });
      // A server that a test kills takes its connections along.
      connection.on('error', () => undefined);
      connections.push(connection);
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await parts.server.kill();
      await rm(parts.directory, { recursive: true, force: true });
    },
  };
}

async function newServer(
  options: TestMySqlOptions & {
    readonly installation: MySqlInstallation;
    readonly directory: string;
  },
): Promise<MysqldProcess> {
  return new MysqldProcess({
    installation: options.installation,
    directory: options.directory,
    port: await lowPort(),
    adminPort: await lowPort(),
    serverId: options.serverId ?? 1,
    account: testAccount,
    tuning: { ...defaultTuning, bufferPoolBytes: 32 * 1024 * 1024, ...options.tuning },
    startTimeoutMs: 600_000,
    clock,
    logger: options.logger ?? silentLogger,
  });
}

/** A folder whose `data` is initialised and was never started, made once per machine and version. */
async function initialisedTemplate(installation: MySqlInstallation): Promise<string> {
  const name = `binraft-mysql-template-${process.getuid?.() ?? 0}-${installation.version}`;
  const place = join(tmpdir(), name);
  if (await pathExists(place)) return place;
  return await withLockFile({ path: `${place}.lock`, clock }, async () => {
    if (await pathExists(place)) return place;
    const draft = await mkdtemp(`${place}-`);
    try {
      const directory = join(draft, 'server');
      await mkdir(directory);
      const server = await newServer({ installation, directory });
      await server.prepare();
      await rename(directory, place);
      return place;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
}
