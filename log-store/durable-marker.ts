import { writeSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { logStoreCorrupt } from './errors.ts';
import {
  type DurableMark,
  decodeDurableMark,
  durableMarkLength,
  encodeDurableMark,
} from './meta-codec.ts';

/** Two marks, each in a block of its own, written in turn: a write that tears one leaves the other. */
const slotDistance = 4096;
const slotCount = 2;
const syncIntervalMs = 1000;

/**
 * Says, outside the storage engine, which batch was last reported durable. The engine takes a damaged end of its
 * write-ahead log for an unfinished write and drops it without a word; only a witness that lies elsewhere can tell that
 * from a crash (Alagappan et al., Protocol-Aware Recovery, FAST'18; HAZARDS R16, H25).
 *
 * The mark is written after the batch is synced and before the batch is reported, but not synced itself: after `kill -9` it
 * is exact, after a loss of power it is at most `syncIntervalMs` old. It is never ahead of what is durable.
 */
export class DurableMarker {
  readonly #file: FileHandle;
  #isDirty = false;
  #syncing: Promise<void> | null = null;
  #stopTimer: (() => void) | null = null;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Makes the file, durably: it is whole under its name, or it is not there. */
  static async create(path: string, mark: DurableMark): Promise<DurableMarker> {
    const unfinished = `${path}.new`;
    const file = await open(unfinished, 'w+');
    const bytes = new Uint8Array(slotDistance * slotCount);
    for (let slot = 0; slot < slotCount; slot += 1) {
      bytes.set(encodeDurableMark(mark), slot * slotDistance);
    }
    await file.writeFile(bytes);
    await file.sync();
    await rename(unfinished, path);
    await syncDirectory(dirname(path));
    return new DurableMarker(file);
  }

  /** Null if there is no such file. Rejects with LOG_STORE_CORRUPT if none of its marks is whole. */
  static async open(
    path: string,
  ): Promise<{ readonly marker: DurableMarker; readonly mark: DurableMark } | null> {
    const file = await openExisting(path);
    if (file === null) return null;
    const marks = await readMarks(file);
    const mark = marks.toSorted((left, right) => right.sequence - left.sequence)[0];
    if (mark === undefined) {
      await file.close();
      throw logStoreCorrupt({ index: null, reason: `no mark in ${path} is whole` });
    }
    return { marker: new DurableMarker(file), mark };
  }

  /**
   * Records the mark before it returns. A plain write of a few bytes to a cached page: a round trip through the thread
   * pool would cost ten times as much.
   */
  write(mark: DurableMark): void {
    const position = (mark.sequence % slotCount) * slotDistance;
    writeSync(this.#file.fd, encodeDurableMark(mark), 0, durableMarkLength, position);
    this.#isDirty = true;
  }

  /** Syncs in the background while marks change. A failed sync is reported once and not tried again. */
  keepSynced(clock: Clock, onFailure: (cause: unknown) => void): void {
    this.#stopTimer = clock.every(syncIntervalMs, () => {
      if (!this.#isDirty || this.#syncing !== null) return;
      this.#syncing = this.#sync().then(
        () => {
          this.#syncing = null;
        },
        (cause: unknown) => {
          this.#stopTimer?.();
          onFailure(cause);
        },
      );
    });
  }

  async close(): Promise<void> {
    this.#stopTimer?.();
    await this.#syncing;
    try {
      if (this.#isDirty) await this.#sync();
    } finally {
      await this.#file.close();
    }
  }

  async #sync(): Promise<void> {
    this.#isDirty = false;
    await this.#file.datasync();
  }
}

/** Makes the names in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r+');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

async function readMarks(file: FileHandle): Promise<DurableMark[]> {
  const marks: DurableMark[] = [];
  for (let slot = 0; slot < slotCount; slot += 1) {
    const bytes = new Uint8Array(durableMarkLength);
    await file.read(bytes, 0, bytes.length, slot * slotDistance);
    const mark = decodeDurableMark(bytes);
    if (mark !== null) marks.push(mark);
  }
  return marks;
}
