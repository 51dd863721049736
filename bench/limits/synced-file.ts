import { constants, openSync, writev } from 'node:fs';
import { assert } from '../../base/assert.ts';

/**
 * A file that only grows, and each of whose writes is on the disk before it is told (`O_DSYNC`). One write runs at a time and takes
 * along all that came meanwhile, as the log store does. A write that fails ends the process: a limit without its syncs is none.
 */
export class SyncedFile {
  readonly #descriptor: number;
  readonly #synced: (length: number) => void;
  #waiting: Uint8Array[] = [];
  #isWriting = false;
  #length = 0;

  /** `synced` is told how long the part of the file is that is on the disk. */
  constructor(path: string, synced: (length: number) => void) {
    const { O_CREAT, O_TRUNC, O_WRONLY, O_DSYNC } = constants;
    this.#descriptor = openSync(path, O_CREAT | O_TRUNC | O_WRONLY | O_DSYNC, 0o600);
    this.#synced = synced;
  }

  append(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (!this.#isWriting) this.#write();
  }

  #write(): void {
    const parts = this.#waiting;
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#waiting = [];
    this.#isWriting = true;
    writev(this.#descriptor, parts, this.#length, (error, written) => {
      if (error !== null) throw error;
      assert(written === bytes, `${written} of ${bytes} bytes were written`);
      this.#isWriting = false;
      this.#length += written;
      if (this.#waiting.length > 0) this.#write();
      this.#synced(this.#length);
    });
  }
}
