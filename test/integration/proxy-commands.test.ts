import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ByteWriter, concatBytes, utf8 } from '../../base/bytes.ts';
import { encodePacket } from '../../mysql-bridge/protocol/packet-writer.ts';
import { command, query } from '../proxy/core/wire.ts';
import { testInstallation } from '../support/mysql-server.ts';
import { rawDialogue, scalarOf, serve, startAppServer, startProxy } from './proxy-support.ts';

// Goal: what works with the server works through the proxy, with real clients and byte for byte.

test('mysql2: text, prepared, several statements, procedures, change of user, reset', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const connection = await proxy.connect({ database: 'app' });

  await connection.query('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)');
  await connection.query(`CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2 AS two; END`);
  const [several] = await connection.query(
    'SELECT 1 AS a; INSERT INTO t (v) VALUES ("x"); SELECT 2 AS b',
  );
  const [called] = await connection.query('CALL p()');
  await connection.execute('INSERT INTO t (v) VALUES (?), (?)', ['y', null]);
  const [rows] = await connection.execute('SELECT id, v FROM t WHERE id > ? ORDER BY id', [1]);

  expect(several).toMatchObject([[{ a: 1 }], { affectedRows: 1 }, [{ b: 2 }]]);
  expect(called).toMatchObject([[{ 1: 1 }], [{ two: 2 }], { affectedRows: 0 }]);
  expect(rows).toEqual([
    { id: 2, v: 'y' },
    { id: 3, v: null },
  ]);
  await expect(connection.query('SELECT nonsense')).rejects.toMatchObject({ errno: 1054 });

  await connection.changeUser({ user: 'other', password: 'second' });
  expect(await scalarOf(connection, 'SELECT CURRENT_USER()')).toBe('other@%');
  await connection.ping();
  await connection.end();
});

test('packets of 40 MiB pass in both directions (H19)', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const connection = await proxy.connect({ database: 'app' });
  const big = 'b'.repeat(40 * 1024 * 1024);
  await connection.query('CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)');

  await connection.query('INSERT INTO t VALUES (1, ?)', [big]);
  const read = await scalarOf(connection, 'SELECT v FROM t');

  expect(read === big).toBe(true);
  expect(await scalarOf(connection, 'SELECT 1')).toBe(1);
});

test('a local file is loaded only when the client offers it', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const connection = await proxy.connect({ database: 'app' });
  const lines = Array.from({ length: 50_000 }, (_, index) => `${index}\tline ${index}\n`);
  const chunks = [
    Buffer.from(lines.slice(0, 20_000).join('')),
    Buffer.from(lines.slice(20_000).join('')),
  ];
  await connection.query('CREATE TABLE t (id INT PRIMARY KEY, v TEXT)');

  await connection.query({
    sql: 'LOAD DATA LOCAL INFILE "lines" INTO TABLE t',
    infileStreamFactory: () => Readable.from(chunks),
  });
  expect(await scalarOf(connection, 'SELECT COUNT(*) FROM t')).toBe(50_000);

  const unwilling = await proxy.connect({ database: 'app', flags: ['-LOCAL_FILES'] });
  await expect(
    unwilling.query('LOAD DATA LOCAL INFILE "lines" INTO TABLE t'),
  ).rejects.toMatchObject({ errno: expect.any(Number) });
});

test('the mysql client works, by the fast and by the full authentication, with TLS preferred', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const { mysqlCommand } = await testInstallation();
  if (mysqlCommand === null) return;
  const [program = '', ...args] = mysqlCommand;

  const run = async (sql: string): Promise<string> => {
    const child = spawn(program, [
      ...args,
      '--no-defaults',
      '-h127.0.0.1',
      `-P${proxy.proxy.ports.readWrite}`,
      '-uapp',
      '-psecret',
      '--get-server-public-key',
      '-N',
      '-e',
      sql,
    ]);
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += String(bytes);
    });
    await once(child, 'close');
    return output;
  };

  // The first log-in sends the password under the server's key; from the second on its hash is known.
  expect(await run('SELECT CURRENT_USER()')).toBe('app@%\n');
  expect(await run('SELECT 1; SELECT 2')).toBe('1\n2\n');
});

test('answers are those of the server, byte for byte, with both ends of rows', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const commands = [
    query('USE app; DROP TABLE IF EXISTS z; CREATE TABLE z (a INT PRIMARY KEY, b MEDIUMTEXT)'),
    query('INSERT INTO z VALUES (1, "one"), (2, NULL), (3, REPEAT("c", 70000))'),
    query('SELECT * FROM z; SELECT nothing; SELECT 1'),
    query('SELECT a FROM z WHERE a = 9; SELECT b FROM z'),
    command(0x02, 'app'),
    command(0x02, 'no_such_database'),
    command(0x04, 'z\0'),
    command(0x16, 'SELECT a, b FROM z WHERE a > ? ORDER BY a'),
    execute(1, { cursor: true, parameter: 0 }),
    fetch(1, 2),
    fetch(1, 10),
    fetch(1, 10),
    command(0x19, new ByteWriter().u32(1).finish()),
    // Another statement: one executed with a cursor and then without is answered by 9.7 so that no client can read it.
    command(0x16, 'SELECT b FROM z WHERE a > ?'),
    execute(2, { cursor: false, parameter: 1 }),
    command(0x18, new ByteWriter().u32(2).u16(0).bytes(utf8('2')).finish()),
    command(0x1a, new ByteWriter().u32(2).finish()),
    execute(2, { cursor: false, parameter: 1 }),
    command(0x19, new ByteWriter().u32(2).finish()),
    execute(2, { cursor: false, parameter: 1 }),
    command(0x16, 'nonsense'),
    command(0x1b, new Uint8Array([1, 0])),
    command(0x1b, new Uint8Array([0, 0])),
    command(0x0e),
    command(0x0d),
    query('BEGIN'),
    query('ROLLBACK'),
    command(0x1f),
    query('SELECT 1'),
  ];
  // Once before: the very first drop of the table warns that there is none.
  await rawDialogue(server.server.port, commands, { deprecatesEof: true });
  for (const deprecatesEof of [true, false]) {
    const direct = await rawDialogue(server.server.port, commands, { deprecatesEof });
    const through = await rawDialogue(proxy.proxy.ports.readWrite, commands, { deprecatesEof });
    expect(through.length).toBeGreaterThan(1000);
    expect(Buffer.from(through).equals(Buffer.from(direct)), `${deprecatesEof}`).toBe(true);
  }
});

test('commands of replication and operation are refused, and the session goes on (H2, H11)', async () => {
  await using server = await startAppServer(1);
  await using proxy = await startProxy();
  serve(proxy, server);
  const port = proxy.proxy.ports.readWrite;
  const refused = [
    command(0x12, new Uint8Array(10)),
    command(0x1e, new Uint8Array(30)),
    command(0x08),
  ];
  const alone = await rawDialogue(port, [query('SELECT 1')], { deprecatesEof: true });

  const bytes = await rawDialogue(port, [...refused, query('SELECT 1')], { deprecatesEof: true });

  const text = Buffer.from(bytes).toString('latin1');
  expect(text.match(/PROXY_COMMAND_REFUSED/g)).toHaveLength(3);
  expect(text.endsWith(Buffer.from(alone).toString('latin1'))).toBe(true);
});

function execute(
  statement: number,
  { cursor, parameter }: { readonly cursor: boolean; readonly parameter: number },
): Uint8Array {
  const body = new ByteWriter()
    .u32(statement)
    .u8(cursor ? 1 : 0)
    .u32(1);
  // No NULLs, types bound, one LONG.
  body.u8(0).u8(1).u16(3).u32(parameter);
  return encodePacket(concatBytes([new Uint8Array([0x17]), body.finish()]), 0);
}

function fetch(statement: number, rows: number): Uint8Array {
  return command(0x1c, new ByteWriter().u32(statement).u32(rows).finish());
}
