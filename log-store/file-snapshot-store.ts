import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader, BytesError, ByteWriter } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { codeOf } from '../base/errors.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import { SnapshotDamagedError, SnapshotGoneError } from '../raft/errors.ts';
import type { SnapshotStore } from '../raft/snapshot-store.ts';
import { syncDirectory } from './durable-marker.ts';
import { snapshotTooLarge, writeFailure } from './errors.ts';
import { decodeSnapshot, encodeSnapshot } from './meta-codec.ts';

/** One read, and so the largest chunk. */
const readBytesMax = 256 * 1024;
const unfinishedName = 'incoming';
const finishedName = /^[0-9]+-[0-9]+\.snapshot$/;
const trailerMagic = 0x6e73_6262;
/** Behind the data and its description: length of the data, length of the description, magic. */
const trailerLength = 16;

export interface FileSnapshotStoreOptions {
  /** The store's own folder; made if it is missing. */
  readonly directory: string;
  /** A snapshot above it is refused, before it has filled the disk. */
  readonly bytesMax: number;
  /**
   * Puts the state in effect, from bytes that are whole and durable. A crash may come before: whoever owns the state compares it with
   * `describe` at its start. Not given: the file is the state.
   */
  readonly restore?: (meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>) => Promise<void>;
}

interface Held {
  readonly meta: SnapshotMeta;
  readonly path: string;
  readonly length: number;
  readonly checksum: number;
}

/**
 * Snapshots as files, the newest only. A file is written under another name, synced, and renamed when it is whole; behind its data
 * stand what it is of, how long it is, and a checksum:
 *
 * ```text
 * data                       then a frame of meta-codec (what it is of, CRC-32C of the data),
 *                            u64 length of the data, u32 length of the frame, u32 magic
 * ```
 */
export class FileSnapshotStore implements SnapshotStore {
  readonly #options: FileSnapshotStoreOptions;
  #held: Held | null;
  /** What is held is whole and durable, and its state is not in effect yet. */
  #isRestoreDue = false;
  #installing: Promise<void> = Promise.resolve();

  private constructor(options: FileSnapshotStoreOptions, held: Held | null) {
    this.#options = options;
    this.#held = held;
  }

  /** Takes over the newest whole snapshot in the folder, and removes what else is there of an earlier run. */
  static async open(options: FileSnapshotStoreOptions): Promise<FileSnapshotStore> {
    const { directory } = options;
    await mkdir(directory, { recursive: true });
    let newest: Held | null = null;
    for (const name of await readdir(directory)) {
      if (name !== unfinishedName && !finishedName.test(name)) continue;
      const path = join(directory, name);
      const found = name === unfinishedName ? null : await describeFile(path);
      const isNewer = found !== null && found.meta.last.index > (newest?.meta.last.index ?? 0);
      const obsolete = isNewer ? newest?.path : path;
      if (isNewer) newest = found;
      if (obsolete !== undefined) await rm(obsolete, { force: true });
    }
    return new FileSnapshotStore(options, newest);
  }

  describe(): SnapshotMeta | null {
    return this.#held?.meta ?? null;
  }

  async *open(meta: SnapshotMeta): AsyncGenerator<Uint8Array, void, undefined> {
    const held = this.#held;
    const { term, index } = meta.last;
    const isHeld = held !== null && held.meta.last.index === index && held.meta.last.term === term;
    if (!isHeld) throw new SnapshotGoneError(`snapshot ${term}/${index} is not held`);
    // Open, a file stays readable when a newer one takes its place.
    const file = await open(held.path, 'r').catch((thrown: unknown) => {
      if (codeOf(thrown) !== 'ENOENT') throw thrown;
      throw new SnapshotGoneError(`snapshot ${term}/${index} is not held any more`);
    });
    try {
      yield* checkedBytes(file, held);
    } finally {
      await file.close();
    }
  }

  /** One after the other. An older one than what is held is taken for done. */
  async install(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const installed = this.#installing.then(() => this.#install(meta, chunks));
    this.#installing = installed.catch(() => undefined);
    await installed;
  }

  async #install(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const before = this.#held;
    if (before !== null && before.meta.last.index >= meta.last.index) {
      await this.#restore(before);
      return;
    }
    const { directory } = this.#options;
    const unfinished = join(directory, unfinishedName);
    const { term, index } = meta.last;
    const path = join(directory, `${index}-${term}.snapshot`);
    const written = await this.#write(unfinished, meta, chunks).catch(async (thrown: unknown) => {
      await rm(unfinished, { force: true });
      throw thrown;
    });
    await rename(unfinished, path);
    await syncDirectory(directory);
    const held = { meta, path, ...written };
    this.#held = held;
    this.#isRestoreDue = true;
    if (before !== null) await rm(before.path, { force: true });
    await this.#restore(held);
  }

  /** Not done before it has succeeded once: what was stored and is not in effect is not installed. */
  async #restore({ meta }: Held): Promise<void> {
    if (!this.#isRestoreDue) return;
    await this.#options.restore?.(meta, this.open(meta));
    this.#isRestoreDue = false;
  }

  async #write(
    path: string,
    meta: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly length: number; readonly checksum: number }> {
    const { bytesMax } = this.#options;
    const file = await open(path, 'w');
    let length = 0;
    let checksum = 0;
    try {
      for await (const chunk of chunks) {
        length += chunk.length;
        if (length > bytesMax) throw snapshotTooLarge(bytesMax);
        checksum = crc32c(chunk, checksum);
        await writeAll(file, chunk);
      }
      const frame = encodeSnapshot({ meta, checksum });
      await writeAll(file, frame);
      const trailer = new ByteWriter().u64(BigInt(length)).u32(frame.length).u32(trailerMagic);
      await writeAll(file, trailer.finish());
      await file.sync();
    } finally {
      await file.close();
    }
    return { length, checksum };
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
  } catch (thrown) {
    throw writeFailure(thrown);
  }
}

/** Null for a file that no finished write left. Its data is checked when it is read. */
async function describeFile(path: string): Promise<Held | null> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size < trailerLength) return null;
    const trailer = new ByteReader(await readExactly(file, size - trailerLength, trailerLength));
    const length = Number(trailer.u64());
    const frameLength = trailer.u32();
    const isOurs = trailer.u32() === trailerMagic && length + frameLength + trailerLength === size;
    if (!isOurs) return null;
    const stored = decodeSnapshot(await readExactly(file, length, frameLength));
    return stored === null ? null : { path, length, ...stored };
  } finally {
    await file.close();
  }
}

async function* checkedBytes(
  file: FileHandle,
  held: Held,
): AsyncGenerator<Uint8Array, void, undefined> {
  let checksum = 0;
  for (let offset = 0; offset < held.length; ) {
    const count = Math.min(readBytesMax, held.length - offset);
    const bytes = await readExactly(file, offset, count).catch((thrown: unknown) => {
      if (thrown instanceof BytesError) throw new SnapshotDamagedError(held.meta, thrown.message);
      throw thrown;
    });
    checksum = crc32c(bytes, checksum);
    yield bytes;
    offset += count;
  }
  if (checksum === held.checksum) return;
  throw new SnapshotDamagedError(held.meta, 'its checksum is another one');
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  if (bytesRead !== length) throw new BytesError(`${length} bytes asked, ${bytesRead} read`);
  return bytes;
}
