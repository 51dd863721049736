import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  condemnedError,
  readCondemnedMark,
  writeCondemnedMark,
} from '../../../mysql-bridge/server/condemned-mark.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const condemnation = {
  reason: 'the server handed out u:1, which is in the log: its GTIDs were reset',
  gtids: '83e5dba5-e55d-11f1-b697-02fc00000001:1',
  atMs: 1_700_000_000_123,
};
const markName = 'binraft-condemned.json';

test('a mark says what was written, to its owner alone, and leaves nothing else behind', async () => {
  using folder = temporaryFolder();
  const before = await readCondemnedMark(folder.path);

  await writeCondemnedMark(folder.path, condemnation);

  expect(before).toBeNull();
  expect(await readCondemnedMark(folder.path)).toEqual(condemnation);
  expect(await readdir(folder.path)).toEqual([markName]);
  expect((await stat(join(folder.path, markName))).mode & 0o777).toBe(0o600);
});

test('the mark goes where the data goes, and a new data folder has none (G2)', async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, 'data');
  await mkdir(data);
  await writeCondemnedMark(data, condemnation);

  await rename(data, join(folder.path, 'data.previous'));
  await mkdir(data);

  expect(await readCondemnedMark(data)).toBeNull();
  expect(await readCondemnedMark(join(folder.path, 'data.previous'))).toEqual(condemnation);
});

test('without a data folder there is nothing to condemn, and a folder that cannot be written is an error', async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');

  await writeCondemnedMark(join(folder.path, 'data'), condemnation);

  expect(await readdir(folder.path)).toEqual(['file']);
  await expect(writeCondemnedMark(file, condemnation)).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('a mark cut off at any length, one with a flipped bit, and an unfinished one condemn all the same', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, markName);
  await writeCondemnedMark(folder.path, condemnation);
  const whole = await readFile(path);
  const unread = { reason: expect.stringContaining('condemns all the same'), gtids: '' };

  for (let length = 0; length < whole.length - 1; length += 7) {
    await writeFile(path, whole.subarray(0, length));
    expect(await readCondemnedMark(folder.path)).toMatchObject(unread);
  }
  await writeFile(
    path,
    Uint8Array.from(whole, (byte, at) => (at === 30 ? byte ^ 1 : byte)),
  );
  expect(await readCondemnedMark(folder.path)).toMatchObject(unread);
  await rm(path);
  await writeFile(`${path}.unfinished`, whole.subarray(0, 10));
  expect(await readCondemnedMark(folder.path)).toMatchObject(unread);
});

test.each(['a folder', 'too large', 'of another version'])(
  'something %s in the place of a mark condemns',
  async (what) => {
    using folder = temporaryFolder();
    const path = join(folder.path, markName);
    if (what === 'a folder') await mkdir(path);
    else if (what === 'too large') await writeFile(path, new Uint8Array(2 * 1024 * 1024));
    else await writeFile(path, '{"version":2}\n2596996162\n');

    expect(await readCondemnedMark(folder.path)).toMatchObject({
      reason: expect.stringContaining('condemns all the same'),
    });
  },
);

test('a verdict found after one that was only half written replaces it', async () => {
  using folder = temporaryFolder();
  await writeFile(join(folder.path, `${markName}.unfinished`), 'half');

  await writeCondemnedMark(folder.path, condemnation);
  await writeCondemnedMark(folder.path, { ...condemnation, reason: 'x'.repeat(100_000) });

  const found = await readCondemnedMark(folder.path);
  expect(found?.reason).toHaveLength(64 * 1024);
  expect(await readdir(folder.path)).toEqual([markName]);
});

test('a refused start says since when, why, and what must happen', () => {
  expect(condemnedError(condemnation).message).toBe(
    `the server was condemned at 2023-11-14T22:13:20.123Z: ${condemnation.reason} (${condemnation.gtids}); it must be built anew`,
  );
});
