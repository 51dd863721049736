import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { expect, test } from 'vitest';
import { scalarOf, serve, startAppServer, startProxy } from './proxy-support.ts';
import { until } from './source-support.ts';

// Goal: what clients are told when a session ends on a real server, and what that server has done by then.

const sysbench = '/usr/bin/sysbench';

test('a session is told what became of its statement when the gate closes (C9, H16)', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const direct = await server.connect();
  await direct.query('CREATE TABLE app.t (id INT PRIMARY KEY)');
  const inFlight = await proxy.connect({ database: 'app' });
  const inTransaction = await proxy.connect({ database: 'app' });
  const idle = await proxy.connect();
  await inTransaction.query('BEGIN');
  await inTransaction.query('INSERT INTO t VALUES (1)');
  await direct.query("DO GET_LOCK('held', 0)");
  const slow = inFlight.query("INSERT INTO t SELECT 2 + GET_LOCK('held', 600)");
  const refusal = expect(slow).rejects.toMatchObject({ errno: 1105, sqlState: '08007' });
  await until(async () => (await scalarOf(direct, running('GET_LOCK'))) === 1);

  proxy.proxy.closeGate('a test');

  await refusal;
  await direct.query("DO RELEASE_LOCK('held')");
  await expect(inTransaction.query('COMMIT')).rejects.toThrow();
  await expect(idle.query('SELECT 1')).rejects.toThrow();
  await until(async () => (await scalarOf(direct, running('INSERT'))) === 0);
  expect(await scalarOf(direct, 'SELECT COUNT(*) FROM app.t WHERE id = 1')).toBe(0);
});

test('a killed server ends its sessions, and new ones wait for it', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const connection = await proxy.connect();
  const slow = expect(connection.query('SELECT SLEEP(600)')).rejects.toMatchObject({ errno: 1105 });
  await until(async () => (await scalarOf(await server.connect(), running('SLEEP'))) === 1);

  await server.server.kill();
  await slow;
  const waiting = proxy.connect();
  await server.server.start();

  expect(await scalarOf(await waiting, 'SELECT 1')).toBe(1);
});

test('a statement of a read-only session does not outlive a promotion (S4, H32)', async () => {
  await using server = await startAppServer(1);
  const admin = await server.connect();
  const killed: number[] = [];
  await using proxy = await startProxy({
    killConnections: async (ids) => {
      killed.push(...ids);
      for (const id of ids) await admin.query(`KILL ${id}`).catch(() => undefined);
    },
  });
  await admin.query('CREATE TABLE app.t (id INT PRIMARY KEY)');
  await admin.query('SET GLOBAL super_read_only = ON');
  serve(proxy, server);
  const reader = await proxy.connect({ port: proxy.proxy.ports.readOnly });
  // On a server that has become writable meanwhile, the second statement would write.
  const writes = reader.query('SELECT SLEEP(600); INSERT INTO app.t VALUES (1)');
  const refusal = expect(writes).rejects.toMatchObject({ errno: 1053 });
  await until(async () => (await scalarOf(admin, running('SLEEP'))) === 1);

  await proxy.proxy.endLocalReadOnlySessions();
  await admin.query('SET GLOBAL super_read_only = OFF');

  await refusal;
  expect(killed.length).toBeGreaterThan(0);
  expect(await scalarOf(admin, running('SLEEP'))).toBe(0);
  expect(await scalarOf(admin, 'SELECT COUNT(*) FROM app.t')).toBe(0);
});

test('a transfer waits for open transactions, holds what is new, and names who is in the way', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const direct = await server.connect();
  await direct.query('CREATE TABLE app.t (id INT PRIMARY KEY)');
  const open = await proxy.connect({ database: 'app' });
  const other = await proxy.connect({ database: 'app' });
  await open.query('BEGIN');
  await open.query('INSERT INTO t VALUES (1)');

  const blocked = await proxy.proxy.holdStatements({ deadlineMs: 200 });
  expect(blocked).toMatchObject({ kind: 'blocked', sessions: [{ user: 'app' }] });
  proxy.proxy.releaseStatements('aborted');

  const quiet = proxy.proxy.holdStatements({ deadlineMs: 120_000 });
  const held = other.query('INSERT INTO t VALUES (2)');
  const refusal = expect(held).rejects.toThrow(/PROXY_(NOT_EXECUTED|SESSION_MOVED)/);
  await open.query('INSERT INTO t VALUES (3)');
  await open.query('COMMIT');
  expect(await quiet).toEqual({ kind: 'quiet' });
  proxy.proxy.releaseStatements('handed-over');

  await refusal;
  expect(await scalarOf(direct, 'SELECT GROUP_CONCAT(id ORDER BY id) FROM app.t')).toBe('1,3');
});

test.skipIf(!isExecutable(sysbench))('sysbench runs its mixed load through the proxy', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const run = async (action: string): Promise<string> => {
    const child = spawn(sysbench, [
      'oltp_read_write',
      '--db-driver=mysql',
      '--mysql-host=127.0.0.1',
      `--mysql-port=${proxy.proxy.ports.readWrite}`,
      '--mysql-user=raw',
      '--mysql-db=app',
      '--tables=1',
      '--table-size=500',
      '--threads=4',
      '--events=200',
      '--time=600',
      '--mysql-ignore-errors=1213',
      action,
    ]);
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += String(bytes);
    });
    await once(child, 'close');
    return output;
  };
  await run('prepare');
  expect(await run('run')).toMatch(/transactions: +200 /);
});

function running(text: string): string {
  return `SELECT COUNT(*) FROM information_schema.processlist
    WHERE id <> CONNECTION_ID() AND info LIKE '%${text}%'`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
