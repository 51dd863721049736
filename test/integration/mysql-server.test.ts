import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import type { MySqlExit } from '../../mysql-bridge/mysql-server.ts';
import { type MysqldOptions, MysqldProcess } from '../../mysql-bridge/server/mysqld-process.ts';
import { defaultTuning } from '../../mysql-bridge/server/server-config.ts';
import { temporaryFolder } from '../mysql-bridge/server/fixtures.ts';
import { lowPort } from '../support/low-port.ts';
import { startTestMySql, testAccount, testInstallation } from '../support/mysql-server.ts';
import { kill, pause } from '../support/processes.ts';

// The supervisor on a real mysqld. HAZARDS H2, H7, H10, H13, N3.

const clock = new SystemClock();

async function optionsIn(
  directory: string,
  changes: Partial<MysqldOptions> = {},
): Promise<MysqldOptions> {
  return {
    installation: await testInstallation(),
    directory,
    port: await lowPort(),
    adminPort: await lowPort(),
    serverId: 1,
    account: testAccount,
    tuning: { ...defaultTuning, bufferPoolBytes: 32 * 1024 * 1024 },
    startTimeoutMs: 600_000,
    clock,
    logger: silentLogger,
    ...changes,
  };
}

function exitOf(server: MysqldProcess): Promise<MySqlExit> {
  return new Promise((resolve) => server.onExit(resolve));
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await clock.delay(10);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a fresh server has no history, an account of ours, and secrets nobody else can read', async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, 'a folder # with "odd" characters', 'x'.repeat(60));
  await mkdir(directory, { recursive: true });
  const server = new MysqldProcess(await optionsIn(directory));
  try {
    await server.prepare();
    await server.prepare();
    await server.start();

    const connection = await createConnection({ ...testAccount, socketPath: server.socketPath });
    const [rows] = await connection.query(
      'SELECT @@GLOBAL.gtid_executed AS executed, @@GLOBAL.super_read_only AS is_read_only',
    );
    const [logs] = await connection.query('SHOW BINARY LOGS');
    const [users] = await connection.query(
      "SELECT user FROM mysql.user WHERE user NOT LIKE 'mysql.%'",
    );
    const rootPassword = (await readFile(join(directory, 'root.password'), 'utf8')).trim();
    const asRoot = await createConnection({
      user: 'root',
      password: rootPassword,
      socketPath: server.socketPath,
    });
    connection.destroy();
    asRoot.destroy();

    expect(rows).toEqual([{ executed: '', is_read_only: 1 }]);
    expect(logs).toMatchObject([{ Log_name: 'binlog.000001' }]);
    expect(users).toHaveLength(3);
    expect((await stat(join(directory, 'root.password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'my.cnf'))).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).sort()).not.toContain('init.sql');
    expect(await readFile(join(directory, 'my.cnf'), 'utf8')).not.toContain(testAccount.password);
  } finally {
    await server.kill();
    // The path is too long for a socket in the folder itself.
    await rm(dirname(server.socketPath), { recursive: true });
  }
});

test('a killed server is gone with its socket, says that this was wanted, and starts again', async () => {
  await using mysql = await startTestMySql();
  const { server } = mysql;
  const exit = exitOf(server);

  await server.kill();
  await server.kill();

  expect(await exit).toMatchObject({ signal: 'SIGKILL', wanted: true, lastErrors: [] });
  expect(server.state).toBe('stopped');
  expect(server.pid).toBeNull();
  expect(await readdir(join(mysql.directory, 'run'))).toEqual([]);
  await server.start();
  expect(server.state).toBe('running');
});

test('a server that is killed by someone else is reported as unwanted', async () => {
  await using mysql = await startTestMySql();
  const exit = exitOf(mysql.server);

  kill(mysql.server.pid ?? 0, 'SIGKILL');

  expect(await exit).toMatchObject({ signal: 'SIGKILL', wanted: false });
  expect(mysql.server.state).toBe('stopped');
});

test('a polite stop ends with status 0, one that takes too long with SIGKILL', async () => {
  await using mysql = await startTestMySql();
  const { server } = mysql;
  const polite = exitOf(server);
  await server.stop({ deadlineMs: 300_000 });
  expect(await polite).toMatchObject({ status: 0, wanted: true });

  await server.start();
  const exits: MySqlExit[] = [];
  server.onExit((exit) => exits.push(exit));
  // One that stands still, so that it cannot be quick enough all the same.
  await pause(server.pid ?? 0);
  await server.stop({ deadlineMs: 1 });

  expect(exits.at(-1)).toMatchObject({ signal: 'SIGKILL', wanted: true });
});

test('killing a server that is still starting ends the start', async () => {
  await using mysql = await startTestMySql({ isStarted: false });
  const starting = mysql.server.start();
  await until(() => mysql.server.pid !== null);

  await Promise.all([
    mysql.server.kill(),
    expect(starting).rejects.toMatchObject({ code: 'MYSQL_START_FAILED' }),
  ]);

  expect(mysql.server.state).toBe('stopped');
});

test('killing a server that is not spawned yet leaves none behind', async () => {
  await using mysql = await startTestMySql({ isStarted: false });
  const start = mysql.server.start();
  const failed = expect(start).rejects.toMatchObject({ code: 'MYSQL_START_FAILED' });
  const pidAtKill = mysql.server.pid;

  await mysql.server.kill();

  await failed;
  expect(pidAtKill).toBeNull();
  expect(mysql.server.state).toBe('stopped');
  await mysql.server.start();
  expect(mysql.server.state).toBe('running');
});

test('a start on a taken port is refused by name, and leaves no process', async () => {
  await using first = await startTestMySql();
  await using second = await startTestMySql({ isStarted: false });
  const options = await optionsIn(second.directory, { port: first.server.port });
  const clashing = new MysqldProcess(options);
  await clashing.prepare();

  await expect(clashing.start()).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(String(first.server.port)),
  });
  expect(clashing.state).toBe('stopped');
});

test('a start with an option mysqld does not know fails with its own words', async () => {
  await using mysql = await startTestMySql({ isStarted: false });
  const tuning = { ...defaultTuning, extraOptions: { no_such_option: '1' } };
  const server = new MysqldProcess(await optionsIn(mysql.directory, { tuning }));
  await server.prepare();

  await expect(server.start()).rejects.toMatchObject({
    code: 'MYSQL_START_FAILED',
    message: expect.stringContaining('no_such_option'),
  });
});

test('a server whose settings turn out unsafe is not left running (HAZARDS H13)', async () => {
  await using mysql = await startTestMySql({ isStarted: false });
  const { installation } = mysql;
  // What no configuration of ours says, as if this build of MySQL had another default or a wrapper added it.
  const mysqldOptions = [...installation.mysqldOptions, '--sync-binlog=0'];
  const options = { installation: { ...installation, mysqldOptions } };
  const server = new MysqldProcess(await optionsIn(mysql.directory, options));
  await server.prepare();

  await expect(server.start()).rejects.toMatchObject({
    code: 'MYSQL_SETTING_UNSAFE',
    message: 'sync_binlog is 0, allowed: 1',
  });
  expect(server.state).toBe('stopped');
});

test('what SET PERSIST left does not come back at the next start (HAZARDS H10)', async () => {
  await using mysql = await startTestMySql();
  const connection = await mysql.connect();
  await connection.query('SET PERSIST_ONLY sync_binlog = 0');
  await mysql.server.kill();

  await mysql.server.start();

  expect(mysql.server.state).toBe('running');
});

test('a mysqld that an earlier sidecar left behind is killed before anything else', async () => {
  await using mysql = await startTestMySql();
  const left = mysql.server.pid ?? 0;
  const exit = exitOf(mysql.server);

  const next = new MysqldProcess(await optionsIn(mysql.directory));
  await next.prepare();

  expect(await exit).toMatchObject({ signal: 'SIGKILL', wanted: false });
  expect(isAlive(left)).toBe(false);
  await next.start();
  await next.kill();
});

test('mysqld dies with the process that started it, and a terminal’s signals do not reach it (HAZARDS H2)', async () => {
  await using mysql = await startTestMySql({ isStarted: false });
  const program = new URL('../support/mysqld-owner.ts', import.meta.url).pathname;
  const args = [program, mysql.directory, String(await lowPort()), String(await lowPort())];
  const owner: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = owner.stdout === null ? [''] : await once(owner.stdout, 'data');
  const pid = Number(String(chunk));
  const groupOf = async (id: number | undefined): Promise<string | undefined> =>
    /\) \S \d+ (\d+)/.exec(await readFile(`/proc/${id}/stat`, 'utf8'))?.[1];
  expect(isAlive(pid)).toBe(true);
  expect(await groupOf(pid)).not.toBe(await groupOf(owner.pid));

  owner.kill('SIGKILL');

  // Reparented, it may stay a zombie where nobody reaps; its files and locks are free all the same.
  await until(async () => {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z ');
    return /\) [ZX] /.test(text);
  });
});

test('a rebuilt server is empty, and one earlier data folder is kept', async () => {
  await using mysql = await startTestMySql({ isStarted: false });
  await writeFile(join(mysql.directory, 'data', 'trace'), 'old');

  await mysql.server.rebuild();
  await mysql.server.rebuild();
  await mysql.server.start();

  expect(await readdir(mysql.server.dataDirectory)).not.toContain('trace');
  expect(await readdir(mysql.directory)).toContain('data.previous');
  expect(await readdir(mysql.directory)).not.toContain('data.new');
});

test('an initialisation that was cut short is begun anew', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'data.new'), { recursive: true });
  await writeFile(join(folder.path, 'data.new', 'ibdata1'), 'half');
  const server = new MysqldProcess(await optionsIn(folder.path));

  await server.prepare();

  expect(await readdir(folder.path)).not.toContain('data.new');
  expect((await stat(join(folder.path, 'data', 'ibdata1'))).size).toBeGreaterThan(1_000_000);
});

test('only InnoDB tables can be made, by anyone (HAZARDS H7)', async () => {
  await using mysql = await startTestMySql();
  const connection = await mysql.connect();
  await connection.query('SET GLOBAL read_only = OFF; SET sql_log_bin = OFF; CREATE DATABASE d');

  for (const engine of ['MyISAM', 'MEMORY', 'CSV', 'ARCHIVE', 'MRG_MyISAM']) {
    await expect(connection.query(`CREATE TABLE d.t (a INT) ENGINE = ${engine}`)).rejects.toThrow(
      /disabled/,
    );
  }
  await connection.query('CREATE TABLE d.t (a INT) ENGINE = InnoDB');
});
