import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataDisk, diskProbeFile } from '../../../mysql-bridge/server/data-disk.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a disk that takes writes has no fault, and the probe keeps its size', async () => {
  using folder = temporaryFolder();
  const disk = new DataDisk({ directory: folder.path, clock: new FakeClock() });

  const faults = [await disk.fault(5000), await disk.fault(5000)];

  expect(faults).toEqual([null, null]);
  expect(readFileSync(join(folder.path, diskProbeFile)).length).toBe(512);
});

test('a disk with little room is full only if a write finds none, and is left as it was (N7)', async () => {
  using folder = temporaryFolder();
  const options = { directory: folder.path, clock: new FakeClock() };
  const disk = new DataDisk({ ...options, freeBytesMin: Number.MAX_SAFE_INTEGER });

  expect(await disk.fault(5000)).toBeNull();
  expect(readFileSync(join(folder.path, diskProbeFile)).length).toBe(512);
});

test('a disk on which a write finds no room is full (N7)', async () => {
  using folder = temporaryFolder();
  const options = { directory: folder.path, clock: new FakeClock() };
  const disk = new DataDisk({ ...options, freeBytesMin: Number.MAX_SAFE_INTEGER });
  // The device that is always full.
  symlinkSync('/dev/full', join(folder.path, diskProbeFile));

  expect(await disk.fault(5000)).toBe(`${folder.path}: the disk is full`);
});

test('a folder that is not there, because a server is being built anew, is no fault of the disk', async () => {
  using folder = temporaryFolder();
  const disk = new DataDisk({ directory: join(folder.path, 'data'), clock: new FakeClock() });

  expect(await disk.fault(5000)).toBeNull();
});

test('what stands in the way of a write is named', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'data');
  writeFileSync(path, 'no folder');
  const disk = new DataDisk({ directory: path, clock: new FakeClock() });

  expect(await disk.fault(5000)).toMatch(/: the disk takes no write: ENOTDIR/);
});

test('a write that hangs is given up in time, is not begun a second time, and ends the fault when it ends (N7)', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, diskProbeFile);
  // Opening a pipe to write waits in the kernel until somebody reads.
  execFileSync('mkfifo', [path]);
  const clock = new FakeClock();
  const disk = new DataDisk({ directory: folder.path, clock });

  const first = disk.fault(5000);
  clock.advance(5000);
  const second = disk.fault(5000);
  clock.advance(5000);
  const said = [await first, await second];
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const released = await disk.fault(5000);
  closeSync(reader);
  rmSync(path);

  const hangs = `${folder.path}: the disk did not take a write for 5000 ms`;
  expect(said).toEqual([hangs, hangs]);
  // A pipe has no positions: it is this one write that came back.
  expect(released).toMatch(/: the disk takes no write: ESPIPE/);
  expect(await disk.fault(5000)).toBeNull();
});
