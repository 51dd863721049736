import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  rmdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DiskPart, FaultDisks } from '../site.ts';
import { dataFolders } from './cluster-files.ts';
import { firstLineOf, needTool, runTool } from './run-tool.ts';

// A file system of its own for the log and for the MySQL server of each node, in a sparse file, so that it can be full or hang while its
// neighbours are well.

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

/** Why no volume can be made, filled or frozen here; null when all of it was done to one below the folder. */
export async function whyNoVolumes(directory: string): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'only root may mount volumes';
  const folder = join(directory, 'volume');
  try {
    await makeVolume(folder, { image: `${folder}.image`, bytes: probeBytes });
    await needTool('fsfreeze', ['--freeze', folder]);
    await needTool('fsfreeze', ['--unfreeze', folder]);
    await needTool('fallocate', ['-l', '4096', join(folder, filler)]);
    await needTool('umount', [folder]);
    rmSync(directory, { recursive: true });
    return null;
  } catch (thrown) {
    return `no volume can be made: ${firstLineOf(thrown)}`;
  }
}

async function makeVolume(
  folder: string,
  { image, bytes }: { readonly image: string; readonly bytes: number },
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(image, '');
  truncateSync(image, bytes);
  await needTool('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1', image]);
  await needTool('mount', ['-o', 'loop', image, folder]);
  rmdirSync(join(folder, 'lost+found'));
}

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
    // Reserved and not written: the file under it stays sparse. What is left after the last whole step is taken byte by byte.
    for (let step = 1024 ** 3; step >= 4096; step = Math.floor(step / 4)) {
      while (this.#freeBytes(folder) >= step) {
        const size = existsSync(join(folder, filler)) ? await this.#size(folder) : 0;
        const args = ['-o', String(size), '-l', String(step), join(folder, filler)];
        if ((await runTool('fallocate', args)).status !== 0) break;
      }
    }
    return this.#refuses(folder);
  }

  async free(id: string, part: DiskPart): Promise<boolean> {
    const folder = this.#folder(id, part);
    rmSync(join(folder, filler), { force: true });
    return await Promise.resolve(!this.#refuses(folder));
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
    await makeVolume(folder, {
      image: join(dirname(folder), `${part}.volume`),
      bytes: volumeBytes,
    });
  }

  #folder(id: string, part: DiskPart): string {
    const owner = this.#owners.find((each) => each.id === id);
    if (owner === undefined) throw new Error(`no node ${id}`);
    return dataFolders(owner)[part];
  }

  async #size(folder: string): Promise<number> {
    return Number(await needTool('stat', ['-c', '%s', join(folder, filler)]));
  }

  #freeBytes(folder: string): number {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  }

  /** Whether a write finds no room. */
  #refuses(folder: string): boolean {
    try {
      writeFileSync(join(folder, 'probe'), new Uint8Array(64 * 1024), { flush: true });
      return false;
    } catch {
      return true;
    } finally {
      rmSync(join(folder, 'probe'), { force: true });
    }
  }
}
