import { constants } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';

/** In the data folder, so that it is on the disk that the server writes to, wherever a link or a mount leads. */
export const diskProbeFile = 'binraft-disk-probe';

/** mysqld waits for somebody to free space once a write finds none, and never says so on a connection. */
const freeBytesMin = 1024 * 1024;

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
      if (free < this.#freeBytesMin)
        return `${this.#directory}: the disk is full, ${free} bytes free`;
      await this.#overwrite();
      return null;
    } catch (thrown) {
      // Moved aside: a server is being built anew.
      if (codeOf(thrown) === 'ENOENT') return null;
      return `${this.#directory}: the disk takes no write: ${messageOf(thrown)}`;
    } finally {
      this.#write = null;
    }
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bfree, bsize } = await statfs(this.#directory);
    // What is reserved for root is there for a server of root's.
    return (process.geteuid?.() === 0 ? bfree : bavail) * bsize;
  }

  /** In place after the first time: a sync of bytes that are allocated waits for no journal, and so for no other writer. */
  async #overwrite(): Promise<void> {
    const { O_CREAT, O_WRONLY } = constants;
    await using file = await open(join(this.#directory, diskProbeFile), O_CREAT | O_WRONLY, 0o600);
    await file.write(new Uint8Array(512), 0, 512, 0);
    await file.datasync();
  }
}
