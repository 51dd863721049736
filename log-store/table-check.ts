import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BytesError } from '../base/bytes.ts';
import { codeOf } from '../base/errors.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import { logStoreCorrupt } from './errors.ts';
import { entryKeyIndex } from './keys.ts';
import { decodeLiveTables } from './manifest-codec.ts';
import {
  type BlockHandle,
  blockTrailerLength,
  checkBlock,
  decodeFooter,
  decodeIndex,
  footerLength,
  type IndexEntry,
} from './table-codec.ts';

/** Neighbouring blocks are read together, so many bytes at once. */
const readBytesMax = 1024 * 1024;
const entryKeyLength = 9;

interface TableFault {
  readonly index: LogIndex | null;
  readonly reason: string;
}

/**
 * Checks the tables of an engine that is not open yet: the ends and indexes of all, and the blocks of the newest, up
 * to `blockBytesMax`. Rejects with LOG_STORE_CORRUPT; answers with the tables whose blocks were not read.
 */
export async function checkTablesBeforeOpen(
  directory: string,
  blockBytesMax: number,
): Promise<readonly string[]> {
  let blockBytes = 0;
  const unread: string[] = [];
  for (const path of await tablesOf(directory)) {
    const withBlocks = blockBytes < blockBytesMax;
    blockBytes += await checkTable(path, { withBlocks });
    if (!withBlocks) unread.push(path);
  }
  return unread;
}

/** Checks one table, which may be gone: its content was merged into another then. Answers with its length. */
export async function checkTable(
  path: string,
  options: { readonly withBlocks: boolean },
): Promise<number> {
  const file = await openIfThere(path);
  if (file === null) return 0;
  try {
    const { size } = await file.stat();
    const fault = await findFault(file, { size, ...options });
    if (fault !== null && (await isLive(path))) {
      const reason = `table ${basename(path)}: ${fault.reason}`;
      throw logStoreCorrupt({ index: fault.index, reason });
    }
    return size;
  } finally {
    await file.close();
  }
}

/** Newest first: they hold the end of the log. */
async function tablesOf(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((thrown: unknown) => {
    if (codeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  });
  return names
    .filter((name) => /^\d+\.(ldb|sst)$/.test(name))
    .toSorted((left, right) => tableNumber(right) - tableNumber(left))
    .map((name) => join(directory, name));
}

/** Whether the engine counts the table in. One that a killed process left half written is not, and may look like anything. */
async function isLive(path: string): Promise<boolean> {
  const directory = dirname(path);
  try {
    const current = await readFile(join(directory, 'CURRENT'), 'utf8');
    const manifest = await readFile(join(directory, basename(current.trim())));
    return decodeLiveTables(manifest).has(tableNumber(basename(path)));
  } catch (thrown) {
    // Then nobody can say that it is not.
    if (thrown instanceof BytesError || codeOf(thrown) === 'ENOENT') return true;
    throw thrown;
  }
}

function tableNumber(name: string): number {
  return Number.parseInt(name, 10);
}

async function findFault(
  file: FileHandle,
  options: { readonly size: number; readonly withBlocks: boolean },
): Promise<TableFault | null> {
  let entries: IndexEntry[];
  try {
    const { size } = options;
    if (size < footerLength) return { index: null, reason: `it has ${size} bytes` };
    const footer = decodeFooter(await readExactly(file, size - footerLength, footerLength));
    checkBlock(await readBlocks(file, footer.metaindex, size));
    entries = decodeIndex(checkBlock(await readBlocks(file, footer.index, size)));
  } catch (thrown) {
    if (thrown instanceof BytesError) return { index: null, reason: thrown.message };
    throw thrown;
  }
  return options.withBlocks ? findBlockFault(file, entries, options.size) : null;
}

async function findBlockFault(
  file: FileHandle,
  entries: readonly IndexEntry[],
  size: number,
): Promise<TableFault | null> {
  for (let start = 0; start < entries.length; ) {
    const run = neighbours(entries, start);
    const fault = await findRunFault(file, run, size);
    if (fault !== null) {
      const before = entries[start + fault.position - 1];
      return { index: faultIndex(before, run[fault.position]), reason: fault.reason };
    }
    start += run.length;
  }
  return null;
}

/** As many blocks from `start` on as lie side by side and are worth one read. */
function neighbours(entries: readonly IndexEntry[], start: number): IndexEntry[] {
  const run: IndexEntry[] = [];
  let bytes = 0;
  for (let position = start; position < entries.length; position += 1) {
    const entry = entries[position];
    const previous = run.at(-1)?.block;
    if (entry === undefined) break;
    if (previous !== undefined && entry.block.offset !== endOf(previous)) break;
    bytes += entry.block.length + blockTrailerLength;
    if (previous !== undefined && bytes > readBytesMax) break;
    run.push(entry);
  }
  return run;
}

async function findRunFault(
  file: FileHandle,
  run: readonly IndexEntry[],
  size: number,
): Promise<{ readonly position: number; readonly reason: string } | null> {
  const offset = run[0]?.block.offset ?? 0;
  let position = 0;
  try {
    const length = run.reduce((sum, { block }) => sum + block.length + blockTrailerLength, 0);
    const bytes = await readBlocks(file, { offset, length: length - blockTrailerLength }, size);
    for (const { block } of run) {
      checkBlock(bytes.subarray(block.offset - offset, endOf(block) - offset));
      position += 1;
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof BytesError) return { position, reason: thrown.message };
    throw thrown;
  }
}

function endOf(block: BlockHandle): number {
  return block.offset + block.length + blockTrailerLength;
}

/** The first entry that a damaged block can hold, else the last one, as far as the keys at its borders tell. */
function faultIndex(
  before: IndexEntry | undefined,
  damaged: IndexEntry | undefined,
): LogIndex | null {
  const last = damaged === undefined ? null : keyIndex(damaged.key);
  const lastBefore = before === undefined ? null : keyIndex(before.key);
  return lastBefore === null ? last : logIndex(lastBefore + 1);
}

/** The engine's keys are ours with a trailer of its own. */
function keyIndex(key: Uint8Array): LogIndex | null {
  return key.length < entryKeyLength ? null : entryKeyIndex(key.subarray(0, entryKeyLength));
}

/** A block, or several in a row, with the trailer of the last. */
function readBlocks(file: FileHandle, block: BlockHandle, size: number): Promise<Uint8Array> {
  if (endOf(block) > size) throw new BytesError('it is shorter than its index says');
  return readExactly(file, block.offset, block.length + blockTrailerLength);
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  if (bytesRead !== length) throw new BytesError(`${length} bytes asked, ${bytesRead} read`);
  return bytes;
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}
