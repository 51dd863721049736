import { readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { makeFolder } from '../base/make-folder.ts';

/** Whose folder it is; written once, compared at every start. */
export interface DataIdentity {
  readonly formatVersion: 1;
  readonly clusterId: string;
  readonly node: string;
}

/** Less free space than this at start is refused: MySQL and the log would only find out in the middle of a write. */
export const freeBytesMin: number = 256 * 1024 * 1024;

const identityFile = 'node.json';

/**
 * Makes or checks the data folder of a node. FatalError DATA_NOT_WRITABLE, DATA_FOREIGN (another cluster's or node's),
 * DISK_FULL, each naming the folder and what to do. Changes nothing in a foreign folder.
 */
export function claimDataFolder(directory: string, identity: DataIdentity): void {
  try {
    makeFolder(directory);
  } catch (cause) {
    throw notWritable(directory, cause);
  }
  const found = readIdentity(directory);
  if (found !== null) {
    checkSame(directory, found, identity);
  }
  checkWritable(directory);
  checkSpace(directory);
  if (found === null) writeIdentity(directory, identity);
}

/** Creates a file atomically with mode 600; for secrets and identities. */
export function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}

function readIdentity(directory: string): DataIdentity | null {
  const path = join(directory, identityFile);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null;
    const message = `${path} cannot be read: ${messageOf(cause)}; restore it, or give another data folder`;
    throw new FatalError('DATA_FOREIGN', message, { cause });
  }
  if (isIdentity(found)) return found;
  throw new FatalError('DATA_FOREIGN', `${path} names no node; give another data folder`);
}

/** Any format version: which ones can be read is asked later, so that the refusal names it. */
function isIdentity(value: unknown): value is DataIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'formatVersion' in value &&
    'clusterId' in value &&
    'node' in value
  );
}

function checkSame(directory: string, found: DataIdentity, wanted: DataIdentity): void {
  if (found.formatVersion !== wanted.formatVersion) {
    throw new FatalError(
      'DATA_FOREIGN',
      `${directory} has format ${found.formatVersion}, this version reads ${wanted.formatVersion}`,
    );
  }
  if (found.clusterId === wanted.clusterId && found.node === wanted.node) return;
  throw new FatalError(
    'DATA_FOREIGN',
    `${directory} belongs to node ${found.node} of cluster ${found.clusterId}, not to node ${wanted.node} of cluster ` +
      `${wanted.clusterId}; give this node its own data folder`,
  );
}

function checkWritable(directory: string): void {
  const probe = join(directory, '.write-probe');
  try {
    writeFileSync(probe, 'probe', { flush: true });
    rmSync(probe);
  } catch (cause) {
    if (codeOf(cause) === 'ENOSPC') throw diskFull(directory, 0, cause);
    throw notWritable(directory, cause);
  }
}

function checkSpace(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize < freeBytesMin) throw diskFull(directory, bavail * bsize, undefined);
}

function writeIdentity(directory: string, identity: DataIdentity): void {
  writePrivateFile(join(directory, identityFile), `${JSON.stringify(identity, null, 2)}\n`);
}

function notWritable(directory: string, cause: unknown): FatalError {
  return new FatalError(
    'DATA_NOT_WRITABLE',
    `cannot write to the data folder ${directory}: ${messageOf(cause)}`,
    { cause },
  );
}

function diskFull(directory: string, freeBytes: number, cause: unknown): FatalError {
  const mebibytes = (bytes: number): number => Math.floor(bytes / 1024 / 1024);
  return new FatalError(
    'DISK_FULL',
    `${directory} has ${mebibytes(freeBytes)} MiB free, a start needs ${mebibytes(freeBytesMin)} MiB`,
    { cause },
  );
}
