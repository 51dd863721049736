import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import { type Logger, silentLogger } from '../../../base/logger.ts';
import { writeManifest } from '../../../mysql-bridge/server/fetched-trees.ts';
import {
  defaultCacheDirectory,
  type FindMySqlOptions,
  findMySql,
} from '../../../mysql-bridge/server/find-mysql.ts';
import { readMachine } from '../../../mysql-bridge/server/machine.ts';
import { fakeProgram, temporaryFolder } from './fixtures.ts';

const mysqlAnswer = 'echo "mysqld  Ver 8.4.3 for Linux on x86_64 (MySQL Community Server - GPL)"';
const mariaDbAnswer = 'echo "mysqld  Ver 10.11.6-MariaDB for debian-linux-gnu on x86_64 (Debian)"';
const oldAnswer = 'echo "mysqld  Ver 8.0.25 for Linux on x86_64 (MySQL Community Server - GPL)"';

function optionsIn(folder: string, changes: Partial<FindMySqlOptions> = {}): FindMySqlOptions {
  return {
    mysqld: null,
    // Without apt in the search path nothing is ever fetched by these tests.
    searchPath: join(folder, 'bin'),
    cacheDirectory: join(folder, 'cache'),
    clock: new SystemClock(),
    logger: silentLogger,
    ...changes,
  };
}

test('the server that the user names is taken before any other, its clients from beside it', async () => {
  await using folder = await temporaryFolder();
  const named = await fakeProgram(join(folder.path, 'own/mysqld'), [mysqlAnswer]);
  const client = await fakeProgram(join(folder.path, 'own/mysql'), ['true']);
  await fakeProgram(join(folder.path, 'bin/mysqld'), [mysqlAnswer]);

  const found = await findMySql(optionsIn(folder.path, { mysqld: named }));

  expect(found).toMatchObject({
    origin: 'option',
    version: '8.4.3',
    mysqldCommand: [named],
    mysqlCommand: [client],
  });
});

test.each([
  ['MariaDB, with the reason', mariaDbAnswer, 'MYSQL_VERSION', /MariaDB 10\.11\.6.*killed.*cut/s],
  ['an old MySQL, with what is needed', oldAnswer, 'MYSQL_VERSION', /8\.0\.25.*8\.0\.26 or newer/s],
  ['a program that fails', 'echo broken >&2; exit 3', 'MYSQL_NOT_FOUND', /broken/],
  ['a program that says nothing of use', 'echo hello', 'MYSQL_NOT_FOUND', /hello/],
])('a named server is refused when it is %s', async (_what, answer, code, message) => {
  await using folder = await temporaryFolder();
  const named = await fakeProgram(join(folder.path, 'mysqld'), [answer]);

  await expect(findMySql(optionsIn(folder.path, { mysqld: named }))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test('a named server that is not there is refused by name', async () => {
  await using folder = await temporaryFolder();
  const named = join(folder.path, 'nowhere/mysqld');

  await expect(findMySql(optionsIn(folder.path, { mysqld: named }))).rejects.toMatchObject({
    code: 'MYSQL_NOT_FOUND',
    message: expect.stringContaining(named),
  });
});

test('a MariaDB on the search path is reported and passed over for a MySQL behind it', async () => {
  await using folder = await temporaryFolder();
  const mariaDb = await fakeProgram(join(folder.path, 'first/mysqld'), [mariaDbAnswer]);
  const mysql = await fakeProgram(join(folder.path, 'bin/mysqld'), [mysqlAnswer]);
  const warnings: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_event, fields) => warnings.push(fields) };
  const searchPath = `${join(folder.path, 'first')}:${join(folder.path, 'bin')}`;

  const found = await findMySql(optionsIn(folder.path, { searchPath, logger }));

  expect(found).toMatchObject({ origin: 'path', mysqldCommand: [mysql] });
  expect(warnings).toEqual([{ path: mariaDb, reason: expect.stringContaining('MariaDB') }]);
});

test('with nothing installed, nothing fetched and no apt there is one message with what to do', async () => {
  await using folder = await temporaryFolder();

  await expect(findMySql(optionsIn(folder.path))).rejects.toMatchObject({
    code: 'MYSQL_NOT_FOUND',
    message: expect.stringMatching(/no MySQL server found; .*--mysqld PATH.*not MariaDB/s),
  });
});

test('of the trees fetched earlier the newest that runs is used, through its own loader', async () => {
  await using folder = await temporaryFolder();
  const { architecture } = await readMachine();
  const cache = join(folder.path, 'cache/mysql');
  for (const [name, version, loader] of [
    ['older', '9.2.0', 'exit 0'],
    ['newer', '9.10.0', 'exit 0'],
    ['broken', '9.11.0', 'echo cannot load >&2; exit 127'],
    ['unfinished', null, 'exit 0'],
  ] as const) {
    const root = join(cache, name);
    const program =
      architecture === 'arm64' ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2';
    await fakeProgram(join(root, 'usr', program), [loader]);
    await fakeProgram(join(root, 'usr/sbin/mysqld'), ['exit 1']);
    await mkdir(join(root, 'usr/lib/x86_64-linux-gnu'), { recursive: true });
    if (version !== null) await writeManifest(root, { version, architecture, packages: [] });
  }
  await symlink('nowhere', join(cache, 'dangling'));

  const found = await findMySql(optionsIn(folder.path));

  expect(found).toMatchObject({ origin: 'fetched', version: '9.10.0', mysqlCommand: null });
  expect(found.mysqldCommand[0]).toContain('/newer/usr/lib');
  expect(found.mysqldCommand[1]).toBe('--library-path');
  expect(found.mysqldCommand.at(-1)).toBe(join(cache, 'newer/usr/sbin/mysqld'));
});

test('the cache is where the XDG specification says', () => {
  const home = '/home/user';

  expect(defaultCacheDirectory({ xdgCacheHome: undefined, home })).toBe(
    '/home/user/.cache/binraft',
  );
  expect(defaultCacheDirectory({ xdgCacheHome: '/var/c', home })).toBe('/var/c/binraft');
  expect(defaultCacheDirectory({ xdgCacheHome: 'relative', home })).toBe(
    '/home/user/.cache/binraft',
  );
});
