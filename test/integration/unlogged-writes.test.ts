import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { MySqlAdmin } from '../../mysql-bridge/mysql-admin.ts';
import { unloggedWrite } from '../../mysql-bridge/role/unlogged-writes.ts';
import { startTestMySql, type TestMySql, testAccount } from '../support/mysql-server.ts';

// What a real mysqld remembers of sessions that turned their binlog off (HAZARDS H10, N8). Goal: each way of doing it leaves a trace
// that the sidecar reads, what merely looks like it leaves none. Method: one server; before each test it forgets everything.

let mysql: TestMySql;
let admin: MySqlAdmin;
let keeper: Connection;

beforeAll(async () => {
  mysql = await startTestMySql();
  const { adminPort, socketPath } = mysql.server;
  const { version } = mysql.installation;
  const clock = new SystemClock();
  admin = await MySqlAdmin.connect({ adminPort, socketPath, account: testAccount, version, clock });
  keeper = await mysql.connect();
  await keeper.query(
    'SET GLOBAL read_only = OFF; SET GLOBAL rpl_semi_sync_source_enabled = OFF; CREATE DATABASE d; USE d; CREATE TABLE t (id INT)',
  );
});

afterAll(async () => {
  admin?.close();
  await mysql?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await keeper.query(
    `TRUNCATE TABLE performance_schema.events_statements_summary_by_digest;
     TRUNCATE TABLE performance_schema.events_statements_history_long`,
  );
});

/** Another session, there until the server ends. */
async function session(): Promise<Connection> {
  const connection = await mysql.connect();
  await connection.query('USE d');
  return connection;
}

async function found(): Promise<string | null> {
  return unloggedWrite((await admin.bypasses()).traces);
}

test.for([
  'SET SESSION sql_log_bin = 0; INSERT INTO t VALUES (1)',
  'SET @@SESSION.SQL_LOG_BIN = OFF',
  'SET autocommit = 1, /*!80000 LOCAL sql_log_bin = 0 */',
  'SET @off = 0; SET sql_log_bin = @off',
  "PREPARE s FROM 'SET sql_log_bin = 0'; EXECUTE s",
])('a session that sends %s leaves a trace, and who it is (H10)', async (sql) => {
  await (await session()).query(sql);

  expect(await found()).toMatch(/^MYSQL_BINLOG_OFF: .*sql_log_bin.*by binraft@localhost/i);
});

test('what mysqldump writes into a file turns the binlog off where it is read in (H10)', async () => {
  const connection = await session();
  for (const line of [
    '/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */',
    'SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN',
    'SET @@SESSION.SQL_LOG_BIN= 0',
    'INSERT INTO `t` VALUES (1)',
    'SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN',
  ]) {
    await connection.query(line);
  }
  connection.destroy();

  expect(await found()).toContain('SET @@SESSION.SQL_LOG_BIN= 0');
});

test('a statement prepared through the protocol leaves a trace, too (H10)', async () => {
  await (await session()).execute('SET SESSION sql_log_bin = ?', ['OFF']);

  expect(await found()).toContain('SET SESSION sql_log_bin = ?');
});

test('a session that is gone, with all that was in the history, is told from its form alone (H10)', async () => {
  const connection = await session();
  await connection.query('SET sql_log_bin = 0');
  await connection.end();
  await keeper.query('TRUNCATE TABLE performance_schema.events_statements_history_long');

  expect(await found()).toMatch(
    /SET `sql_log_bin` = \?, by a session that is gone, at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC$/,
  );
});

test.for([
  ['a procedure', 'CREATE PROCEDURE d.p() SET sql_log_bin = 0', 'CALL d.p()', 'd.p'],
  [
    'a procedure that prepares it',
    "CREATE PROCEDURE d.p() BEGIN SET @z = CONCAT('SET sql_log', '_bin = 0'); PREPARE s FROM @z; EXECUTE s; END",
    'CALL d.p()',
    'd.p',
  ],
] as const)(
  '%s leaves a trace in the round after it, and is named (H10)',
  async ([, make, call, name]) => {
    const connection = await session();
    await connection.query(make);
    await found();
    await connection.query(`${call}; DROP PROCEDURE d.p`);

    expect(await found()).toContain(`in ${name}, by binraft@localhost`);
    expect(await found(), 'and in the next, as it is counted before it can be read').not.toBeNull();
  },
);

test('an event of the server leaves a trace (H10, H20)', async () => {
  await keeper.query('SET GLOBAL event_scheduler = ON');
  await keeper.query(
    'CREATE EVENT d.e ON SCHEDULE AT CURRENT_TIMESTAMP ON COMPLETION PRESERVE DO SET sql_log_bin = 0',
  );
  const clock = new SystemClock();
  let reason: string | null = null;
  while (reason === null) {
    await clock.delay(50);
    reason = await found();
  }
  await keeper.query('SET GLOBAL event_scheduler = OFF');

  expect(reason).toContain('in d.e');
});

test('what an application may do leaves none (H10)', async () => {
  await keeper.query(
    "CREATE USER app IDENTIFIED BY 'app'; GRANT SELECT, EXECUTE, CREATE ROUTINE ON d.* TO app",
  );
  const { socketPath } = mysql.server;
  const app = await createConnection({ socketPath, user: 'app', password: 'app', database: 'd' });
  await expect(app.query('SET sql_log_bin = 0')).rejects.toMatchObject({ errno: 1227 });
  await app.query('CREATE PROCEDURE mine() SET sql_log_bin = 0');
  await expect(app.query('CALL mine()')).rejects.toMatchObject({ errno: 1227 });
  await app.query('SET @was = @@SESSION.sql_log_bin');
  await app.query("SET @text = ', sql_log_bin = 0'");
  await app.query(
    'SET @sum = (SELECT COUNT(*) FROM (SELECT 1 AS sql_log_bin) t WHERE sql_log_bin = 0)',
  );
  app.destroy();

  expect(await found()).toBeNull();
  expect(await found()).toBeNull();
});

test('what MySQL ships, and turning the binlog on, leave none (H10)', async () => {
  const connection = await session();
  await connection.query('SET sql_log_bin = ON; SET SESSION sql_log_bin = DEFAULT');
  await connection.query('CALL sys.ps_setup_save(1); CALL sys.ps_setup_reload_saved()');

  expect(await found()).toBeNull();
  expect(await found()).toBeNull();
});

test('the sidecar itself never does it: a server after a change of role has no trace', async () => {
  await admin.setWritable(false, { timeoutMs: 60_000 });
  await admin.setFlush('replica');
  await admin.setFlush('primary');
  await admin.setWritable(true, { timeoutMs: 60_000 });

  expect((await admin.bypasses()).traces).toEqual([]);
});

test('forms of statements that fill the memory of the server are forgotten, and none of ours is lost', async () => {
  const connection = await session();
  for (let form = 0; form < 300; form += 1)
    await connection.query(`SET @a = (SELECT 1 AS form_${form})`);
  expect(await found()).toBeNull();
  const [rows] = await keeper.query(
    'SELECT COUNT(*) AS held FROM performance_schema.events_statements_summary_by_digest',
  );
  await connection.query('SET sql_log_bin = 0');

  expect(rows).toMatchObject([{ held: expect.any(Number) }]);
  expect(Array.isArray(rows) && Object(rows[0])['held']).toBeLessThan(50);
  expect(await found()).not.toBeNull();
});

test.for([
  [
    "UPDATE performance_schema.setup_consumers SET ENABLED = 'NO' WHERE NAME = 'statements_digest'",
    "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = 'statements_digest'",
    'performance_schema statements_digest is NO, allowed: YES',
  ],
  [
    "UPDATE performance_schema.setup_instruments SET ENABLED = 'NO' WHERE NAME = 'statement/sql/set_option'",
    "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'statement/sql/set_option'",
    'performance_schema statement/sql/set_option is NO, allowed: YES',
  ],
  [
    "INSERT INTO performance_schema.setup_actors VALUES ('%', 'root', '%', 'NO', 'NO')",
    "DELETE FROM performance_schema.setup_actors WHERE USER = 'root'",
    'performance_schema setup_actors is NO, allowed: YES',
  ],
] as const)('a server told not to remember is unsafe: %s', async ([harm, undo, fault]) => {
  await keeper.query(harm);
  const faults = await admin.settingsFaults();
  await keeper.query(undo);

  expect(faults).toContain(fault);
  expect((await admin.settingsFaults()).filter((text) => text.includes('performance'))).toEqual([]);
});
