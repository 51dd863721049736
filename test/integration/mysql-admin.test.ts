import { inspect } from 'node:util';
import { type Connection, createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { type Clock, SystemClock } from '../../base/clock.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { MySqlAdmin } from '../../mysql-bridge/mysql-admin.ts';
import { startTestMySql, type TestMySql, testAccount } from '../support/mysql-server.ts';
import { kill, pause } from '../support/processes.ts';

// The sidecar's statements on a real mysqld. HAZARDS G7, H9, H10, H11, H17, H18, H20.

const clock = new SystemClock();
/** More than any statement takes that nothing holds up. */
const soon = { timeoutMs: 60_000 };

function adminOf({ server, installation }: TestMySql, time: Clock = clock): Promise<MySqlAdmin> {
  const { adminPort, socketPath } = server;
  const { version } = installation;
  return MySqlAdmin.connect({ adminPort, socketPath, account: testAccount, version, clock: time });
}

/** The deadline `soon` comes when a test says so. */
class DeadlineClock extends SystemClock {
  readonly #come: Deferred<void> = deferred();

  come(): void {
    this.#come.resolve();
  }

  override async delay(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (ms !== soon.timeoutMs) return await super.delay(ms, options);
    const aborted = new Promise<never>((_, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    });
    await Promise.race([this.#come.promise, aborted]);
  }
}

/** Lets commits of a server through that no bridge is attached to. */
async function withoutGate(mysql: TestMySql): Promise<Connection> {
  const connection = await mysql.connect();
  await connection.query('SET GLOBAL rpl_semi_sync_source_enabled = OFF');
  return connection;
}

/** An account that replicas of this server log in with, its password already in the server's cache. */
async function replicationAccount(mysql: TestMySql, connection: Connection) {
  await connection.query(
    "CREATE USER r@'127.0.0.1' IDENTIFIED WITH caching_sha2_password BY 'r';" +
      "GRANT REPLICATION SLAVE ON *.* TO r@'127.0.0.1'",
  );
  const account = { host: '127.0.0.1', port: mysql.server.port, user: 'r', password: 'r' };
  (await createConnection(account)).destroy();
  return account;
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await clock.delay(10);
}

test('a replica follows by GTID, is promoted without a restart, and follows again', async () => {
  await using source = await startTestMySql({ serverId: 1 });
  await using replica = await startTestMySql({ serverId: 2 });
  await using sourceAdmin = await adminOf(source);
  await using admin = await adminOf(replica);
  const writer = await withoutGate(source);
  await sourceAdmin.setWritable(true, soon);
  const address = await replicationAccount(source, writer);
  await writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)');

  const reader = await replica.connect();
  const [binlogsBefore] = await reader.query('SHOW BINARY LOGS');

  expect(await admin.replicaFaults()).toEqual([]);
  await admin.follow(address);
  expect(await admin.waitForExecuted(await sourceAdmin.executedGtids(), 60_000)).toBe(true);
  expect(await admin.executedGtids()).toBe(await sourceAdmin.executedGtids());
  expect(await admin.replicaFaults()).toEqual([]);
  await admin.setFlush('replica');
  expect(await admin.settingsFaults()).toEqual([]);

  await admin.stopFollowing();
  await admin.setFlush('primary');
  await admin.setWritable(true, soon);
  await admin.setEventScheduler(true);
  expect(await admin.settingsFaults()).toEqual([]);
  expect(await admin.replicaFaults()).toEqual([]);

  await admin.setEventScheduler(false);
  await admin.setWritable(false, soon);
  await writer.query('INSERT INTO d.t VALUES (1)');
  await admin.follow(address);
  expect(await admin.waitForExecuted(await sourceAdmin.executedGtids(), 60_000)).toBe(true);
  expect((await reader.query('SELECT id FROM d.t'))[0]).toEqual([{ id: 1 }]);
  // It wrote no binlog of its own while it followed.
  expect((await reader.query('SHOW BINARY LOGS'))[0]).toEqual(binlogsBefore);
});

test('waiting for what is not executed ends at its deadline', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);

  expect(await admin.waitForExecuted('', 100)).toBe(true);
  expect(await admin.waitForExecuted('aaaaaaaa-0000-0000-0000-000000000001:1-3', 100)).toBe(false);
  await expect(admin.waitForExecuted("no gtid set'", 100)).rejects.toMatchObject({
    code: 'MYSQL_STATEMENT_FAILED',
  });
});

test('errors of the receiver are told', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);

  await admin.follow({ host: '127.0.0.1', port: 1, user: "o'brien", password: 'x\\' });

  await until(async () => (await admin.replicaFaults()).length > 0);
  expect(await admin.replicaFaults()).toEqual([
    expect.stringMatching(/^receiver connecting: 2003 /),
  ]);
  await admin.stopFollowing();
  expect(await admin.replicaFaults()).toEqual([]);
});

test('settings that an administrator changes are noticed (HAZARDS H9, H10, H13)', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);
  const connection = await mysql.connect();
  expect(await admin.settingsFaults()).toEqual([]);

  for (const [setting, unsafe, safe] of [
    ['sync_binlog', '0', '1'],
    ['rpl_semi_sync_source_timeout', '1000', '4294967295'],
    ['rpl_semi_sync_source_wait_no_replica', 'OFF', 'ON'],
    ['super_read_only', 'OFF', 'ON'],
    ['event_scheduler', 'ON', 'OFF'],
    ['binlog_format', 'STATEMENT', 'ROW'],
  ]) {
    await connection.query(`SET GLOBAL ${setting} = ${unsafe}`);
    expect(await admin.settingsFaults()).toEqual([
      expect.stringContaining(`${setting} is ${unsafe}`),
    ]);
    await connection.query(`SET GLOBAL ${setting} = ${safe}`);
    expect(await admin.settingsFaults()).toEqual([]);
  }
});

test('a gate without the bridge, or with another’s hand on it, is noticed (HAZARDS G7, H11)', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);
  expect(await admin.semisyncFaults()).toEqual(['Rpl_semi_sync_source_clients is 0, allowed: 1']);
  expect(await admin.bypasses()).toEqual({ gate: [], traces: [] });

  await withoutGate(mysql);

  expect(await admin.semisyncFaults()).toContain('Rpl_semi_sync_source_status is OFF, allowed: ON');
  expect((await admin.bypasses()).gate).toContain(
    'Rpl_semi_sync_source_status is OFF, allowed: ON',
  );
});

test('while a commit waits for its ack, every question is answered and no order is stuck (HAZARDS H17, H18)', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);
  const writer = await mysql.connect();
  await admin.setWritable(true, soon);
  const commit = writer.query('CREATE DATABASE d').catch((error: unknown) => error);
  await until(async () => (await admin.semisyncStatus()).waitingSessions === 1);

  await expect(admin.setWritable(false, { timeoutMs: 300 })).rejects.toMatchObject({
    code: 'MYSQL_STATEMENT_TIMEOUT',
  });
  const attempt = admin.setWritable(false, { timeoutMs: 700 }).catch((error: unknown) => error);
  expect(await admin.probe(60_000)).toBe(true);
  expect(await admin.executedGtids()).toBe('');
  expect(await admin.settingsFaults()).toEqual([]);
  expect((await admin.bypasses()).gate).toEqual([]);
  expect((await admin.semisyncStatus()).waitingSessions).toBe(1);
  expect(await admin.replicaStatus()).toBeNull();
  expect(await attempt).toMatchObject({ code: 'MYSQL_STATEMENT_TIMEOUT' });

  // Taken back: it is as writable as before, and the next order goes through at once.
  const variables = await admin.globalVariables();
  expect([variables.get('super_read_only'), variables.get('read_only')]).toEqual(['OFF', 'OFF']);
  await admin.setWritable(true, soon);
  expect((await admin.semisyncStatus()).unacknowledged).toBe(0);
  await mysql.server.kill();
  expect(await commit).toBeInstanceOf(Error);
});

test('an attempt to become read-only that is taken back leaves nothing read-only, however far it got (HAZARDS H17)', async () => {
  // Method: `super_read_only` takes the global read lock twice, first to set `read_only`. One statement holds up the first time, and
  // another, which an administrator began meanwhile, the second; both wait for a named lock until this test lets go.
  await using mysql = await startTestMySql();
  const deadline = new DeadlineClock();
  await using admin = await adminOf(mysql, deadline);
  const holder = await withoutGate(mysql);
  await admin.setWritable(true, soon);
  await holder.query('CREATE DATABASE d; CREATE TABLE d.t (id INT)');
  await holder.query("DO GET_LOCK('first', 0), GET_LOCK('second', 0)");
  const [one, other] = [await mysql.connect(), await mysql.connect()];
  const states = async (): Promise<string> => {
    const [rows] = await holder.query('SELECT state FROM information_schema.processlist');
    return JSON.stringify(rows);
  };

  const first = one.query("INSERT INTO d.t SELECT GET_LOCK('first', 600)");
  await until(async () => (await states()).includes('User lock'));
  const attempt = admin.setWritable(false, soon).catch((error: unknown) => error);
  await until(async () => (await states()).includes('global read lock'));
  const second = other.query("INSERT INTO d.t SELECT GET_LOCK('second', 600)");
  await until(async () => (await states()).split('global read lock').length === 3);
  await holder.query("DO RELEASE_LOCK('first')");
  await first;
  await until(async () => (await admin.globalVariables()).get('read_only') === 'ON');
  deadline.come();

  expect(await attempt).toMatchObject({ code: 'MYSQL_STATEMENT_TIMEOUT' });
  const variables = await admin.globalVariables();
  expect([variables.get('read_only'), variables.get('super_read_only')]).toEqual(['OFF', 'OFF']);
  await holder.query("DO RELEASE_LOCK('second')");
  await second;
});

test('the probe tells a server that stands still from one that answers, again and again', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);
  const pid = mysql.server.pid ?? 0;

  expect(await admin.probe(60_000)).toBe(true);
  await pause(pid);
  expect(await admin.probe(100)).toBe(false);
  expect(await admin.probe(100)).toBe(false);
  kill(pid, 'SIGCONT');
  expect(await admin.probe(60_000)).toBe(true);
  await mysql.server.kill();
  expect(await admin.probe(100)).toBe(false);
  await expect(admin.executedGtids()).rejects.toMatchObject({ code: 'MYSQL_NOT_RUNNING' });
});

test('clients that take every connection do not keep the sidecar out', async () => {
  await using mysql = await startTestMySql({ tuning: { maxConnections: 2 } });
  await using admin = await adminOf(mysql);
  const clients: Connection[] = [];
  await expect(
    (async () => {
      for (;;) clients.push(await mysql.connect());
    })(),
  ).rejects.toThrow(/Too many connections/);

  expect(await admin.probe(60_000)).toBe(true);
  await using another = await adminOf(mysql);
  expect(await another.settingsFaults()).toEqual([]);
});

test('no error carries a password (HAZARDS S2)', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);

  const account = { user: 'app', password: 'a-secret-nobody-may-see' };
  const error: unknown = await admin.ensureAppAccount(account).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ code: 'MYSQL_STATEMENT_FAILED', serverErrorNumber: 1290 });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(account.password);
});

test('closing ends at once whatever waits', async () => {
  await using mysql = await startTestMySql();
  const admin = await adminOf(mysql);
  const waiting = admin.waitForExecuted('aaaaaaaa-0000-0000-0000-000000000001:1', 60_000);
  await admin.probe(60_000);

  admin.close();

  await expect(waiting).rejects.toMatchObject({ code: 'MYSQL_NOT_RUNNING' });
  await expect(admin.executedGtids()).rejects.toMatchObject({ code: 'MYSQL_NOT_RUNNING' });
  expect(await admin.probe(100)).toBe(false);
});

test('the app account may do anything to data and nothing to the server', async () => {
  await using mysql = await startTestMySql();
  await using admin = await adminOf(mysql);
  await withoutGate(mysql);
  await admin.setWritable(true, soon);
  const first = { user: 'app', password: 'it\'s \\ 100% "odd"' };
  const second = { user: 'app', password: 'another' };

  await admin.ensureAppAccount(first);
  const afterFirst = await admin.executedGtids();
  await admin.ensureAppAccount(first);
  expect(await admin.executedGtids()).toBe(afterFirst);
  await admin.ensureAppAccount(second);
  expect(await admin.executedGtids()).not.toBe(afterFirst);

  const { socketPath } = mysql.server;
  await expect(createConnection({ ...first, socketPath })).rejects.toThrow(/Access denied/);
  const app = await createConnection({ ...second, socketPath });
  for (const sql of [
    'CREATE DATABASE d',
    'CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT)',
    'CREATE FUNCTION d.f() RETURNS INT RETURN 1',
    'CREATE TRIGGER d.tr BEFORE INSERT ON d.t FOR EACH ROW SET NEW.id = NEW.id + 1',
    'CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DO DELETE FROM d.t',
    'INSERT INTO d.t VALUES (1)',
  ]) {
    await app.query(sql);
  }
  for (const sql of [
    'SELECT * FROM mysql.user',
    'DELETE FROM mysql.slave_master_info',
    'DROP TABLE mysql.user',
    'SET GLOBAL read_only = ON',
    'SET GLOBAL rpl_semi_sync_source_enabled = OFF',
    'SET sql_log_bin = OFF',
    "SET binlog_row_image = 'MINIMAL'",
    'SET gtid_next = AUTOMATIC, GLOBAL super_read_only = ON',
    'STOP REPLICA',
    'SHUTDOWN',
    'RESTART',
    'CREATE USER other',
    "SELECT 1 INTO OUTFILE '/tmp/never'",
    'FLUSH BINARY LOGS',
    'UNINSTALL PLUGIN semisync_source',
  ]) {
    await expect(app.query(sql), sql).rejects.toThrow(/denied|Access/);
  }
  app.destroy();
});
