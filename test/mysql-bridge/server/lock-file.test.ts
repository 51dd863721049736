import { spawnSync } from 'node:child_process';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import { withLockFile } from '../../../mysql-bridge/server/lock-file.ts';
import { temporaryFolder } from './fixtures.ts';

const clock = new SystemClock();

test('work under one lock file never overlaps, and the file is gone afterwards', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  const order: string[] = [];
  const work = (name: string) => (): Promise<void> => {
    order.push(`${name} begins`);
    return clock.delay(20).then(() => void order.push(`${name} ends`));
  };

  await Promise.all([
    withLockFile({ path, clock }, work('first')),
    withLockFile({ path, clock }, work('second')),
  ]);

  expect(order.filter((_step, index) => index % 2 === 0).every((step) => /begins/.test(step))).toBe(
    true,
  );
  expect(await readdir(folder.path)).toEqual([]);
});

test('the lock is given back when the work fails', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');

  await expect(
    withLockFile({ path, clock }, () => Promise.reject(new Error('broken'))),
  ).rejects.toThrow('broken');
  expect(await withLockFile({ path, clock }, () => Promise.resolve(7))).toBe(7);
});

test.each([
  ['of a process that ended', () => String(spawnSync('true').pid), new Date()],
  ['of no process', () => 'nonsense', new Date()],
  ['so old that its process id was reused', () => String(process.pid), new Date(0)],
])('a lock %s is taken over', async (_what, content, time) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  await writeFile(path, content());
  await utimes(path, time, time);

  expect(await withLockFile({ path, clock }, () => Promise.resolve('done'))).toBe('done');
});

test('waiting for a lock can be aborted', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  await writeFile(path, String(process.pid));

  const waiting = withLockFile({ path, clock, signal: AbortSignal.timeout(20) }, () =>
    Promise.resolve('never'),
  );

  await expect(waiting).rejects.toThrow();
  expect(await readdir(folder.path)).toEqual(['lock']);
});
