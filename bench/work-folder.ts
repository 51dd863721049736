import { mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from './errors.ts';

/** statfs(2): file systems in memory, on which a sync costs nothing. */
const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const prefix = 'run-';
const ownerFile = 'owner.pid';
const bytesNeeded = 8 * 1024 ** 3;

/**
 * A folder for the data of one run, on the disk that `parent` is on. Those of runs that were killed are removed first.
 * BENCH_DISK when nothing measured there would mean anything, or there is too little room.
 */
export async function makeWorkFolder(
  parent: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  await mkdir(parent, { recursive: true });
  const { type, bavail, bsize } = await statfs(parent);
  if (memoryFileSystems.has(type)) {
    const message = `${parent} is in memory, where a sync costs nothing; name a folder on a disk with --data-dir`;
    throw new BenchError('BENCH_DISK', message);
  }
  await removeAbandoned(parent);
  if (bavail * bsize < bytesNeeded) {
    const free = Math.floor((bavail * bsize) / 1024 ** 3);
    throw new BenchError(
      'BENCH_DISK',
      `${parent} has ${free} GiB free, 8 are needed; name another --data-dir`,
    );
  }
  const path = await mkdtemp(join(parent, prefix));
  await writeFile(join(path, ownerFile), `${process.pid}\n`);
  return {
    path,
    [Symbol.asyncDispose]: () => removeFolder(path),
  };
}

/** Processes that were killed a moment ago may still be writing their last file. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const owner = Number(await readFile(join(path, ownerFile), 'utf8').catch(() => ''));
    if (owner > 0 && isAlive(owner)) continue;
    await removeFolder(path);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
