import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  lastErrorsOf,
  rotateErrorLog,
  trimErrorLog,
} from '../../../mysql-bridge/server/error-log.ts';
import { temporaryFolder } from './fixtures.ts';

test('each start has a log of its own, and five earlier ones are kept', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'mysqld.log');

  for (let run = 1; run <= 8; run += 1) {
    await rotateErrorLog(path);
    await writeFile(path, `run ${run}`);
  }

  expect((await readdir(folder.path)).sort()).toEqual(
    ['', '.1', '.2', '.3', '.4', '.5'].map((end) => `mysqld.log${end}`),
  );
  expect(await readFile(path, 'utf8')).toBe('run 8');
  expect(await readFile(`${path}.1`, 'utf8')).toBe('run 7');
  expect(await readFile(`${path}.5`, 'utf8')).toBe('run 3');
});

test('errors and crashes explain an end, notes and warnings do not', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'mysqld.log');
  const lines = [
    '2026-01-01T00:00:00Z 0 [System] [MY-010931] [Server] /x/mysqld: ready for connections.',
    '2026-01-01T00:00:01Z 0 [Warning] [MY-010069] [Server] something',
    '2026-01-01T00:00:02Z 0 [ERROR] [MY-010262] [Server] Bind on TCP/IP port: Address already in use',
    'mysqld got signal 11 ;',
    'mysqld: error while loading shared libraries: libaio.so.1',
  ];
  await writeFile(path, `${lines.join('\n')}\n`);

  expect(await lastErrorsOf(path)).toEqual(lines.slice(2));
  expect(await lastErrorsOf(join(folder.path, 'missing'))).toEqual([]);
});

test('of a huge log only the end is read, at most twenty lines of bounded length', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'mysqld.log');
  const line = (number: number): string => `[ERROR] ${number} ${'x'.repeat(900)}\n`;
  await writeFile(path, Array.from({ length: 3000 }, (_, index) => line(index)).join(''));

  const errors = await lastErrorsOf(path);

  expect(errors).toHaveLength(20);
  expect(errors.at(-1)).toMatch(/^\[ERROR\] 2999 /);
  expect(Math.max(...errors.map(({ length }) => length))).toBe(500);
});

test('the log of a run that goes on is emptied in place once it is large', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'mysqld.log');
  await writeFile(path, 'small');
  await trimErrorLog(path);
  expect(await readdir(folder.path)).toEqual(['mysqld.log']);

  await truncate(path, 17 * 1024 * 1024);
  await trimErrorLog(path);

  expect((await stat(path)).size).toBe(0);
  expect((await stat(`${path}.1`)).size).toBe(17 * 1024 * 1024);
});
