import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import {
  makeSocketFolder,
  removeSocketFiles,
  socketPathFor,
} from '../../../mysql-bridge/server/socket-path.ts';
import { temporaryFolder } from './fixtures.ts';

test('the socket lies in the server’s folder while its path fits', () => {
  expect(socketPathFor('/srv/db')).toBe('/srv/db/run/mysqld.sock');
});

test('a long folder gets a short socket of its own, the same each time', () => {
  const long = `/srv/${'ä'.repeat(50)}`;
  const path = socketPathFor(long);

  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
  expect(path.startsWith(tmpdir())).toBe(true);
  expect(socketPathFor(long)).toBe(path);
  expect(socketPathFor(`${long}x`)).not.toBe(path);
});

test('a socket folder that others can write to is refused', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'run/mysqld.sock');
  await makeSocketFolder(path);
  await makeSocketFolder(path);
  await chmod(dirname(path), 0o777);

  await expect(makeSocketFolder(path)).rejects.toMatchObject({ code: 'DATA_NOT_WRITABLE' });
});

test('what a killed server leaves is removed, and nothing else', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'run'));
  for (const name of ['mysqld.sock', 'mysqld.sock.lock', 'other']) {
    await writeFile(join(folder.path, 'run', name), '');
  }

  await removeSocketFiles(join(folder.path, 'run/mysqld.sock'));
  await removeSocketFiles(join(folder.path, 'run/mysqld.sock'));

  expect(await readdir(join(folder.path, 'run'))).toEqual(['other']);
});
