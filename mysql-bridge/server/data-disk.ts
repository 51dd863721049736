import { constants } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';

/** In the data folder, so that it is on the disk that the server writes to, wherever a link or a mount leads. */
export const diskProbeFile = 'binraft-disk-probe';

/** mysqld waits for somebody to free space once a write finds none, and never says so on a connection. */
const freeBytesMin = 1024 * 1024;
const probeBytes = 512;

/**
 * The disk under a data folder, asked beside the server: it answers `SELECT 1` while every commit waits for a disk that is full
 * (`MY-000035`, a retry each minute) or hangs.
 */
export class DataDisk {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #freeBytesMin: number;
  /** A write that hangs keeps a thread of the pool; never more than one. */
  #write: Promise<string | null> | null = null;

  constructor(options: {
    readonly directory: string;
    readonly clock: Clock;
    /** For tests. */
    readonly freeBytesMin?: number;
  }) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#freeBytesMin = options.freeBytesMin ?? freeBytesMin;
  }

  /**
   * In words, why commits of a server on this folder cannot end; null when nothing stands against them, or there is no folder.
   * Never rejects. A write that did not come back is waited for again by the next call.
   */
  async fault(timeoutMs: number): Promise<string | null> {
    const write = this.#write ?? this.#probe();
    this.#write = write;
    const stop = new AbortController();
    const late = this.#clock.delay(timeoutMs, { signal: stop.signal }).then(
      () => `${this.#directory}: the disk did not take a write for ${timeoutMs} ms`,
      () => null,
    );
    try {
      return await Promise.race([write, late]);
    } finally {
      stop.abort();
    }
  }

  async #probe(): Promise<string | null> {
    try {
      const free = await this.#freeBytes();
      if (free < this.#freeBytesMin) await this.#takeRoom();
      else await this.#overwrite();
      return null;
    } catch (thrown) {
      // Moved aside: a server is being built anew.
      if (codeOf(thrown) === 'ENOENT') return null;
      if (codeOf(thrown) === 'ENOSPC') return `${this.#directory}: the disk is full`;
      return `${this.#directory}: the disk takes no write: ${messageOf(thrown)}`;
    } finally {
      this.#write = null;
    }
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize;
  }

  /** In place after the first time: a sync of bytes that are allocated waits for no journal, and so for no other writer. */
  async #overwrite(): Promise<void> {
    await using file = await this.#open();
    await file.write(new Uint8Array(probeBytes), 0, probeBytes, 0);
    await file.datasync();
  }

  /** What is said to be free is not what a write gets: a file system may keep some for itself, or for root, as whom a server may run. */
  async #takeRoom(): Promise<void> {
    await using file = await this.#open();
    try {
      await file.writeFile(new Uint8Array(freeBytesMin));
      await file.datasync();
    } finally {
      // What matters is what the write met. A file that stays larger is overwritten in place all the same.
      await file.truncate(probeBytes).catch(() => undefined);
    }
  }

  #open(): Promise<FileHandle> {
    const { O_CREAT, O_WRONLY } = constants;
    return open(join(this.#directory, diskProbeFile), O_CREAT | O_WRONLY, 0o600);
  }
}
