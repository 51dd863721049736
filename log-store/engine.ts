import { mkdir, readdir } from 'node:fs/promises';
import { Level } from 'level';
import { codeOf, messageOf, type OperationalError } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { engineCause, logStoreCorrupt, writeFailure } from './errors.ts';

/** LevelDB through the level package, bytes in and out. */
export type Engine = Level<Uint8Array, Uint8Array>;

export interface EngineOptions {
  /** Bytes of a block inside a table, the unit of a read from disk. */
  readonly blockBytes: number;
  /** Bytes gathered in memory, and in the write-ahead log, before a table is written. */
  readonly writeBufferBytes: number;
}

export const defaultEngineOptions: EngineOptions = {
  blockBytes: 16 * 1024,
  writeBufferBytes: 4 * 1024 * 1024,
};

/**
 * Tables are mapped into memory while open, and count as this process's. LevelDB keeps ten fewer than this, of two to four
 * megabytes each, and accepts no smaller number.
 */
const openFilesMax = 74;
const blockCacheBytes = 4 * 1024 * 1024;

/** Opens the engine or says why not: DATA_IN_USE, LOG_STORE_CORRUPT, DISK_FULL, DATA_NOT_WRITABLE, LOG_STORE_FAILED. */
export async function openEngine(
  directory: string,
  options: EngineOptions & { readonly mayCreate: boolean },
): Promise<Engine> {
  const engine: Engine = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: options.mayCreate,
    // A write costs its sync, not its bytes, and snappy would be paid on the way of every table and read.
    compression: false,
    cacheSize: blockCacheBytes,
    writeBufferSize: options.writeBufferBytes,
    blockSize: options.blockBytes,
    maxOpenFiles: openFilesMax,
  });
  try {
    await mkdir(directory, { recursive: true });
    await engine.open();
    return engine;
  } catch (thrown) {
    throw openFailure(directory, thrown);
  }
}

/** Whether the folder holds anything a store has put there, however incomplete. */
export async function holdsTables(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    return names.some((name) => /^\d+\.(ldb|sst|log)$/.test(name));
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}

function openFailure(directory: string, thrown: unknown): OperationalError {
  const cause = engineCause(thrown);
  const reason = messageOf(cause);
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return new FatalError(
        'DATA_IN_USE',
        `${directory} is in use by another process (${reason}); stop that one first`,
        { cause },
      );
    case 'LEVEL_CORRUPTION':
      return logStoreCorrupt({ index: null, reason, cause });
    default:
  }
  if (/does not exist \(create_if_missing|no such file/i.test(reason)) {
    return logStoreCorrupt({
      index: null,
      reason: `files are gone from ${directory} (${reason})`,
      cause,
    });
  }
  return writeFailure(thrown);
}

/** What LevelDB has beyond the interface that the level package shares with browsers. */
interface RangeFunctions {
  approximateSize(start: Uint8Array, end: Uint8Array): Promise<number>;
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}

/** About how many bytes the files hold for these keys. */
export function bytesBetween(engine: Engine, start: Uint8Array, end: Uint8Array): Promise<number> {
  return rangeFunctions(engine).approximateSize(start, end);
}

/** Lets the engine give back the space of what was removed between these keys: by itself it may keep it for long. */
export function reclaim(engine: Engine, start: Uint8Array, end: Uint8Array): Promise<void> {
  return rangeFunctions(engine).compactRange(start, end);
}

function rangeFunctions(engine: Engine): RangeFunctions {
  return engine as unknown as RangeFunctions;
}
