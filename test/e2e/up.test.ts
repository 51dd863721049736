import { exec } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually, until } from '../support/eventually.ts';
import { type Ended, runCommand } from '../support/run-command.ts';

const basePort = 31_000;
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'binraft-up-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  { name: 'MySQL 8.0.25', answer: 'mysqld  Ver 8.0.25 for Linux on x86_64', says: '8.0.26' },
  {
    name: 'MariaDB',
    answer: 'mysqld  Ver 10.11.19-MariaDB for Linux on x86_64',
    says: 'it is MariaDB 10.11.19',
  },
])('up refuses $name with MYSQL_VERSION and writes nothing', async ({ answer, says }) => {
  const mysqld = join(folder, 'mysqld');
  writeFileSync(mysqld, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(mysqld, 0o700);

  const ended = await up('--mysqld', mysqld);

  expect(ended).toMatchObject({ status: 17 });
  expect(ended.output).toContain('MYSQL_VERSION');
  expect(ended.output).toContain(says);
  expect(existsSync(data())).toBe(false);
});

test('up refuses a number of nodes that is none, before it looks for a MySQL', async () => {
  const ended = await up('--nodes', '4', '--mysqld', '/nowhere/mysqld');

  expect(ended).toMatchObject({ status: 10 });
  expect(ended.output).toContain('CONFIG_INVALID: --nodes is 4; allowed: 1, 3, 5, 7');
  expect(existsSync(data())).toBe(false);
});

test('up names the port that is taken and who has it, and leaves the folder as it was', async () => {
  const server = createServer().listen(basePort + 101, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const ended = await up();
    expect(ended).toMatchObject({ status: 11 });
    expect(ended.output).toContain(`PORT_TAKEN: port ${basePort + 101} (n1 read-write) is taken`);
    expect(ended.output).toContain(`by pid ${process.pid}`);
    expect(readdirSync(data())).toEqual([]);
  } finally {
    server.close();
  }
});

test('up refuses a folder that holds another number of nodes, and one whose identity is unreadable', async () => {
  mkdirSync(data());
  const identity = join(data(), 'cluster.json');
  writeFileSync(identity, '{"clusterId":"11111111-2222","nodes":3}');
  expect(await up('--nodes', '5')).toMatchObject({ status: 10 });
  writeFileSync(identity, '{broken');
  expect(await up()).toMatchObject({ status: 12 });
  expect(readdirSync(data())).toEqual(['cluster.json']);
});

test('node lists every fault of its configuration at once', async () => {
  const config = join(folder, 'node.yaml');
  writeFileSync(config, 'clusterId: x\nreads: maybe\nsurplus: 1\n');

  const ended = await runCommand(['node', '--config', config]);

  expect(ended).toMatchObject({ status: 10 });
  for (const path of ['clusterId', 'reads', 'members', 'surplus']) {
    expect(ended.output).toContain(path);
  }
});

test('status and transfer say when nobody answers', async () => {
  for (const command of ['status', 'transfer']) {
    const ended = await runCommand([command, '--admin', `127.0.0.1:${basePort + 999}`]);
    expect(ended).toMatchObject({ status: 1 });
    expect(ended.output).toContain('ADMIN_UNREACHABLE');
  }
});

test('a cluster is used, refused to others, stopped, and starts again with its data, also after kill -9', async () => {
  const directory = data();
  await using cluster = await BinraftCluster.start({
    basePort,
    directory,
    args: ['--app-password', 'chosen by hand'],
    isPatient: true,
  });
  const admin = `127.0.0.1:${basePort + 205}`;
  {
    await using session = await connectApp(cluster, basePort + 201);
    await session.query('CREATE DATABASE kept; CREATE TABLE kept.rows (id INT PRIMARY KEY)');
    await session.query('INSERT INTO kept.rows VALUES (1)');
    await expect(session.query('SET GLOBAL read_only = 1')).rejects.toThrow(/denied/);
    await expect(session.query('DELETE FROM mysql.user')).rejects.toThrow(/denied/);
  }
  for (const secret of ['app.password', 'binlog.password', 'cluster.secret']) {
    expect(statSync(join(directory, secret)).mode & 0o777).toBe(0o600);
  }

  await expectPrintedCommand(cluster);

  const before = readFileSync(join(directory, 'n1', 'node.yaml'), 'utf8');
  const second = await up('--app-password', 'another', '--base-port', String(basePort + 1000));
  expect(second).toMatchObject({ status: 13 });
  expect(second.output).toContain('DATA_IN_USE');
  expect(readFileSync(join(directory, 'n1', 'node.yaml'), 'utf8')).toBe(before);
  expect(cluster.appPassword).toBe('chosen by hand');

  const table = await runCommand(['status', '--admin', admin]);
  expect(table.output).toMatch(/n1 .*n2 .*n3 /s);
  expect(table.output).not.toContain('\u001b');
  const json = await runCommand(['status', '--json', '--admin', admin]);
  expect(JSON.parse(json.output)).toMatchObject({ askedNode: 'n2' });
  const unknown = await runCommand(['transfer', 'n9', '--admin', admin]);
  expect(unknown).toMatchObject({ status: 1, output: expect.stringContaining('n1, n2, n3') });

  expect(await cluster.stop()).toBe(0);
  expect(cluster.processIds()).toEqual([]);

  for (const change of [
    { from: 'node: n1', to: 'node: n2', status: 12, code: 'DATA_FOREIGN' },
    {
      from: 'mysql:\n',
      to: 'mysql:\n  options: { sync_binlog: 0 }\n',
      status: 18,
      code: 'MYSQL_SETTING_UNSAFE',
    },
  ]) {
    const config = join(directory, 'n1', 'changed.yaml');
    writeFileSync(config, before.replace(change.from, change.to));
    const ended = await runCommand(['node', '--config', config]);
    expect(ended).toMatchObject({ status: change.status });
    expect(ended.output).toContain(change.code);
  }

  await cluster.up();
  await expectRow(cluster);
  await cluster.killEverything();
  await cluster.up();
  await expectRow(cluster);
});

test('nodes stop when the up that started them is killed', async () => {
  const directory = data();
  await using cluster = await BinraftCluster.start({ basePort, directory, nodeCount: 1 });
  cluster.killUp();
  await until(() => cluster.processIds().length === 0, 'no process of the cluster is left');
});

/** As it stands on the screen, and with the port of each other node: no server but the primary knows the account's hash yet. */
async function expectPrintedCommand(cluster: BinraftCluster): Promise<void> {
  const [printed] = /^ {2}\S.* --user=app .*$/m.exec(cluster.output) ?? [];
  if (printed === undefined) throw new Error(`no client command in: ${cluster.output}`);
  const askAt = async (port: number): Promise<string> => {
    const command = printed.replace(/--port=\d+/, `--port=${port}`);
    const { stdout } = await promisify(exec)(`${command} -N -e 'SELECT id FROM kept.rows'`);
    return stdout;
  };
  for (const { readWritePort, readOnlyPort } of cluster.nodes) {
    expect(await askAt(readWritePort)).toBe('1\n');
    // Stale: a replica may be behind the row, and have its table already.
    const whenThere = async (): Promise<string | null> => (await askAt(readOnlyPort)) || null;
    expect(await eventually(whenThere, 'a replica has the row')).toBe('1\n');
  }
}

async function expectRow(cluster: BinraftCluster): Promise<void> {
  await using session = await connectApp(cluster, basePort + 301);
  const [rows] = await session.query('SELECT id FROM kept.rows');
  expect(rows).toEqual([{ id: 1 }]);
}

function data(): string {
  return join(folder, 'data');
}

function up(...options: readonly string[]): Promise<Ended> {
  const all = ['up', '--data-dir', data(), '--base-port', String(basePort), ...options];
  return runCommand(all);
}
