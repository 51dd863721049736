import { createHash } from 'node:crypto';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FatalError } from '../../base/fatal.ts';

/** Unix limits a socket's path to 103 bytes on macOS, 107 on Linux. */
const socketPathBytesMax = 100;

/**
 * Where the server of this folder has its unix socket: inside it, or, where the path would be longer than the operating
 * system allows, in a short folder whose name is derived from it.
 */
export function socketPathFor(directory: string): string {
  const path = join(directory, 'run', 'mysqld.sock');
  if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `binraft-${process.getuid?.() ?? 0}-${digest}`, 'mysqld.sock');
}

/** Makes the socket's folder, for this user alone. A folder of that name that another user made is refused. */
export async function makeSocketFolder(socketPath: string): Promise<void> {
  const folder = dirname(socketPath);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const status = await lstat(folder);
  const isOurs = status.uid === (process.getuid?.() ?? status.uid);
  if (status.isDirectory() && isOurs && (status.mode & 0o022) === 0) return;
  throw new FatalError(
    'DATA_NOT_WRITABLE',
    `${folder} must be a folder that this user alone can write to; remove it or use a shorter data folder`,
  );
}

/**
 * Removes what a killed server leaves: when the process id in the lock file is alive again, as another process or as a zombie,
 * mysqld would refuse to start.
 */
export async function removeSocketFiles(socketPath: string): Promise<void> {
  await rm(socketPath, { force: true });
  await rm(`${socketPath}.lock`, { force: true });
}
