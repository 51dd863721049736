import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';

/** How many cuts are kept, and how large one may be. */
const savedMax = 5;
const savedBytesMax = 64n * 1024n * 1024n;
const chunkBytes = 1024 * 1024;
/** Where the bytes are, or in words why they are nowhere. */
export type SavedCut =
  | { readonly kind: 'saved'; readonly path: string }
  | { readonly kind: 'not-saved'; readonly reason: string };

/** Where the bytes come from: a file that is open. */
export interface CutSource {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

const namePattern = /^binlog-cut-.*\.bin$/;

/**
 * Copies the bytes of a binlog that are about to be cut to `binlog-cut-<file>-<offset>.bin`, for an operator who wants to
 * know what they were; `mysqlbinlog` reads them behind the head of any file. Nothing reads them back, so a failure is
 * told and does not stop the cut, on which safety rests. The newest five are kept.
 */
export async function saveCutBytes(cut: {
  readonly directory: string | null;
  readonly source: CutSource;
  readonly file: string;
  readonly from: bigint;
  readonly to: bigint;
}): Promise<SavedCut> {
  const { directory, from, to } = cut;
  if (directory === null) return { kind: 'not-saved', reason: 'no folder is set for it' };
  if (to - from > savedBytesMax) {
    return { kind: 'not-saved', reason: `${to - from} bytes are more than ${savedBytesMax}` };
  }
  const path = join(directory, `binlog-cut-${cut.file}-${from}.bin`);
  try {
    await mkdir(directory, { recursive: true });
    await writeWhole(path, cut);
    await removeOldest(directory);
    return { kind: 'saved', path };
  } catch (thrown) {
    return { kind: 'not-saved', reason: messageOf(thrown) };
  }
}

async function writeWhole(
  path: string,
  cut: { readonly source: CutSource; readonly from: bigint; readonly to: bigint },
): Promise<void> {
  // Rows of users are in it: nobody else may read it.
  const unfinished = await open(`${path}.part`, 'w', 0o600);
  try {
    await copy(cut.source, unfinished, { from: Number(cut.from), to: Number(cut.to) });
    await unfinished.sync();
  } finally {
    await unfinished.close();
  }
  await rename(`${path}.part`, path);
}

async function copy(
  source: CutSource,
  target: FileHandle,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  const buffer = new Uint8Array(chunkBytes);
  let position = range.from;
  while (position < range.to) {
    const wanted = Math.min(chunkBytes, range.to - position);
    const { bytesRead } = await source.read(buffer, 0, wanted, position);
    if (bytesRead === 0) return;
    await target.writeFile(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

async function removeOldest(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => namePattern.test(name));
  const aged = await Promise.all(
    names.map(async (name) => ({ name, mtimeMs: (await stat(join(directory, name))).mtimeMs })),
  );
  aged.sort((left, right) => right.mtimeMs - left.mtimeMs);
  for (const { name } of aged.slice(savedMax)) await rm(join(directory, name), { force: true });
}
