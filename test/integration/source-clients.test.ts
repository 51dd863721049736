import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { assert } from '../../base/assert.ts';
import type { TestMySql } from '../support/mysql-server.ts';
import {
  replicationAccount,
  scalar,
  startPrimary,
  startSource,
  type TestSource,
} from './source-support.ts';

const run = promisify(execFile);
const outputBytesMax = 64 * 1024 * 1024;

async function runClient(
  command: readonly string[] | null,
  source: TestSource,
  options: readonly string[],
): Promise<string> {
  assert(command !== null, 'the installation has this client');
  const [program = '', ...words] = command;
  const { user, password } = replicationAccount;
  const connect = [`--host=127.0.0.1`, `--port=${source.port}`, `--user=${user}`];
  const all = [...words, '--no-defaults', ...connect, `--password=${password}`, ...options];
  const { stdout } = await run(program, all, { maxBuffer: outputBytesMax });
  return stdout;
}

async function primaryWithRows(): Promise<TestMySql> {
  const primary = await startPrimary(1);
  const writer = await primary.connect();
  await writer.query('CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY, v LONGBLOB)');
  for (let id = 0; id < 20; id += 1)
    await writer.query(`INSERT INTO app.t VALUES (${id}, 'small')`);
  await writer.query(`INSERT INTO app.t VALUES (100, REPEAT('b', ${20 * 1024 * 1024}))`);
  await writer.query('ALTER TABLE app.t ADD COLUMN w INT');
  return primary;
}

function gtidsIn(text: string): string[] {
  return [...text.matchAll(/GTID_NEXT= '([^']+)'/g)]
    .map(([, gtid = '']) => gtid)
    .filter((gtid) => gtid !== 'AUTOMATIC');
}

test('mysqlbinlog reads every transaction and ends at the end of the log', async () => {
  await using primary = await primaryWithRows();
  await using source = await startSource(primary);
  await source.append(primary);
  const uuid = await scalar(await primary.connect(), 'SELECT @@server_uuid');
  const everything = Array.from({ length: 24 }, (_, at) => `${uuid}:${at + 1}`);
  const mysqlbinlog = primary.installation.mysqlbinlogCommand;
  const remote = ['--read-from-remote-source=BINLOG-DUMP-GTIDS', '--to-last-log'];

  const all = await runClient(mysqlbinlog, source, [...remote, '--verify-binlog-checksum', 'any']);
  const some = await runClient(mysqlbinlog, source, [
    ...remote,
    `--exclude-gtids=${uuid}:1-20:22`,
    '--base64-output=decode-rows',
    'any',
  ]);

  expect(gtidsIn(all)).toEqual(everything);
  expect(gtidsIn(some)).toEqual([21, 23, 24].map((number) => `${uuid}:${number}`));
});

test('mysqlbinlog without GTIDs is told what to use instead', async () => {
  await using primary = await startPrimary(1);
  await using source = await startSource(primary);
  const mysqlbinlog = primary.installation.mysqlbinlogCommand;

  const reading = runClient(mysqlbinlog, source, ['--read-from-remote-server', 'binlog.000001']);

  await expect(reading).rejects.toThrow('BINLOG-DUMP-GTIDS');
});

test('the mysql client can look around, and is told that this is no port for queries', async () => {
  await using primary = await startPrimary(1);
  await using source = await startSource(primary);
  const { mysqlCommand } = primary.installation;

  const facts = await runClient(mysqlCommand, source, [
    '-N',
    '-e',
    'SELECT @@version_comment; SELECT @@server_id, @@gtid_mode',
  ]);
  const query = runClient(mysqlCommand, source, ['-e', 'SELECT * FROM app.t']);

  expect(facts).toBe('binraft binlog port\n9000\tON\n');
  await expect(query).rejects.toThrow('read-write or the read-only port');
});

test('a wrong password and an unknown user are denied alike (HAZARDS S5)', async () => {
  await using primary = await startPrimary(1);
  await using source = await startSource(primary);
  const connect = (user: string): Promise<unknown> =>
    createConnection({ host: '127.0.0.1', port: source.port, user, password: 'wrong' });

  for (const user of [replicationAccount.user, 'nobody']) {
    await expect(connect(user)).rejects.toMatchObject({ errno: 1045, sqlState: '28000' });
  }
});
