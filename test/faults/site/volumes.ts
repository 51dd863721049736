import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../../base/errors.ts';
import { eventually } from '../../support/eventually.ts';
import type { DiskPart, FaultDisks } from '../site.ts';
import { dataFolders } from './cluster-files.ts';
import { firstLineOf, needTool, runTool } from './run-tool.ts';

// A file system of its own for the log and for the MySQL server of each node, in a sparse file, so that it can be full, hang or fail while
// its neighbours are well. The file lies in another file system, that of the medium:
//
//   <part>.volume ─ loop, ext4 ─▶ <part>.medium/disk ─ loop, ext4 ─▶ <part>/
//
// A medium that ext4 is told to hold for broken takes no write any more, and the loop device on it answers each with EIO. One that is merely
// full would not do: the loop device tells of a write that found room for its first half alone as if all of it was written (Linux 6.18), and
// a disk that lies is another fault. The medium has no journal and no barriers, since nothing on it has to outlive this machine: two
// journals would make each sync cost twice.

const volumeBytes = 16 * 1024 ** 3;
const probeBytes = 64 * 1024 ** 2;
/** A write takes less on any disk that is not frozen. */
const hangSeenMs = 1_000;
const filler = 'filler';
const parts: readonly DiskPart[] = ['log', 'mysql'];

interface VolumeOwner {
  readonly id: string;
  readonly directory: string;
}

/** Why no volume can be made, filled, frozen or broken here; null when all of it was done to one below the folder. */
export async function whyNoVolumes(directory: string): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'only root may mount volumes';
  const folder = join(directory, 'volume');
  try {
    await makeVolume(folder, probeBytes);
    await needTool('fsfreeze', ['--freeze', folder]);
    await needTool('fsfreeze', ['--unfreeze', folder]);
    await needTool('fallocate', ['-l', '4096', join(folder, filler)]);
    await breakMedium(folder);
    for (const point of [folder, mediumOf(folder)]) await needTool('umount', [point]);
    await needTool('e2fsck', ['-V']);
    rmSync(directory, { recursive: true });
    return null;
  } catch (thrown) {
    return `no volume can be made: ${firstLineOf(thrown)}`;
  }
}

async function makeVolume(folder: string, bytes: number): Promise<void> {
  const medium = mediumOf(folder);
  for (const point of [folder, medium]) mkdirSync(point, { recursive: true, mode: 0o700 });
  // Room for what its file system needs itself.
  const mediumBytes = bytes + bytes / 16;
  await makeFileSystem(imageOf(folder), mediumBytes, ['-O', '^has_journal', '-T', 'largefile']);
  await needTool('mount', ['-o', mediumOptions, imageOf(folder), medium]);
  const disk = join(medium, 'disk');
  await makeFileSystem(disk, bytes, []);
  await needTool('mount', ['-o', 'loop', disk, folder]);
  rmdirSync(join(folder, 'lost+found'));
}

async function breakMedium(folder: string): Promise<void> {
  const found = await needTool('findmnt', ['-n', '-o', 'SOURCE', mediumOf(folder)]);
  writeFileSync(`/sys/fs/ext4/${basename(found.trim())}/trigger_fs_error`, 'the disk fails');
}

/** What a broken disk answers: an error, and from a broken journal on that it is read-only. */
const failures: readonly (string | null)[] = ['EIO', 'EROFS'];
const mediumOptions = 'loop,nobarrier,errors=remount-ro';
/** Who holds files on a disk may take long to die. */
const unmountMs = 60_000;

/** The volumes of all nodes, made before their first start. They stay until `removeRun`. */
export class Volumes implements FaultDisks {
  readonly #owners: readonly VolumeOwner[];

  private constructor(owners: readonly VolumeOwner[]) {
    this.#owners = owners;
  }

  static async create(owners: readonly VolumeOwner[], signal: AbortSignal): Promise<Volumes> {
    const volumes = new Volumes(owners);
    for (const { id } of owners) {
      for (const part of parts) {
        signal.throwIfAborted();
        await volumes.#make(id, part);
      }
    }
    return volumes;
  }

  async fill(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    await takeAllRoom(folder);
    return refusalOf(folder) !== null;
  }

  async free(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    rmSync(join(folder, filler), { force: true });
    return await Promise.resolve(refusalOf(folder) === null);
  }

  async fail(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    await breakMedium(folder);
    return await Promise.resolve(failures.includes(refusalOf(folder)));
  }

  async mend(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    const medium = mediumOf(folder);
    for (const point of [folder, medium]) await unmount(point);
    const isMediumWell = await repair(imageOf(folder));
    await needTool('mount', ['-o', mediumOptions, imageOf(folder), medium]);
    const isWell = await repair(join(medium, 'disk'));
    await needTool('mount', ['-o', 'loop', join(medium, 'disk'), folder]);
    return isMediumWell && isWell && refusalOf(folder) === null;
  }

  async freeze(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    await needTool('fsfreeze', ['--freeze', folder]);
    // Waits in the kernel until the thaw, and cannot be ended before.
    const probe = spawn('touch', [join(folder, 'probe')], { stdio: 'ignore', detached: true });
    await Promise.race([once(probe, 'exit'), delay(hangSeenMs)]);
    return probe.exitCode === null && probe.signalCode === null;
  }

  async thaw(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    // Refused when it is not frozen, which is what is wanted.
    await runTool('fsfreeze', ['--unfreeze', folder]);
    return (await runTool('touch', [join(folder, 'probe')])).status === 0;
  }

  async #make(id: string, part: DiskPart): Promise<void> {
    const folder = this.#folder(id, part);
    await makeVolume(folder, volumeBytes);
  }

  #folder(id: string, part: DiskPart): string {
    const owner = this.#owners.find((each) => each.id === id);
    if (owner === undefined) throw new Error(`no node ${id}`);
    return dataFolders(owner)[part];
  }
}

function imageOf(folder: string): string {
  return `${folder}.volume`;
}

function mediumOf(folder: string): string {
  return `${folder}.medium`;
}

/** Waits for the last process that still holds a file on it. */
async function unmount(point: string): Promise<void> {
  await eventually(
    async () => ((await runTool('umount', [point])).status === 0 ? true : null),
    `nobody uses ${point}`,
    unmountMs,
  );
}

/** Status 1 of e2fsck(8): errors were found and corrected. */
async function repair(image: string): Promise<boolean> {
  const { status } = await runTool('e2fsck', ['-f', '-y', image]);
  return status === 0 || status === 1;
}

async function makeFileSystem(
  image: string,
  bytes: number,
  options: readonly string[],
): Promise<void> {
  writeFileSync(image, '');
  truncateSync(image, bytes);
  const usual = ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1'];
  await needTool('mkfs.ext4', [...usual, ...options, image]);
}

/** Reserved and not written: the file under it stays sparse. What is left after the last whole step is taken byte by byte. */
async function takeAllRoom(folder: string): Promise<void> {
  const file = join(folder, filler);
  for (let step = 1024 ** 3; step >= 4096; step = Math.floor(step / 4)) {
    while (freeBytes(folder) >= step) {
      const size = existsSync(file) ? statSync(file).size : 0;
      const args = ['-o', String(size), '-l', String(step), file];
      if ((await runTool('fallocate', args)).status !== 0) break;
    }
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** The code that a synced write is refused with; null when it is not. */
function refusalOf(folder: string): string | null {
  const file = join(folder, 'probe');
  try {
    writeFileSync(file, new Uint8Array(64 * 1024), { flush: true });
    rmSync(file);
    return null;
  } catch (thrown) {
    // What could be written of it must not take room that others find later.
    runTool('rm', ['-f', file]).catch(() => undefined);
    return codeOf(thrown) ?? 'unknown';
  }
}
