import { closeSync, copyFileSync, openSync, rmSync, statSync, truncateSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';

const bytesMax = 64 * 1024 * 1024;
const trimEveryMs = 10_000;

/**
 * The log of a node process, which writes to the file itself: through a pipe it would stand still whenever its parent does. So its
 * maximum is kept from outside: a file that is too large is copied to `.1` and emptied in place. Lines written between the two are
 * lost, and the file may exceed its maximum by what is written in ten seconds.
 */
export class NodeLog {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #stopTrimming: () => void;

  constructor(path: string, clock: Clock, options: { readonly bytesMax?: number } = {}) {
    this.#path = path;
    this.#bytesMax = options.bytesMax ?? bytesMax;
    this.#stopTrimming = clock.every(trimEveryMs, () => this.#trim());
  }

  /** Calls `use` with the file, open for appending, as emptying it in place needs. */
  lend<Result>(use: (file: number) => Result): Result {
    const file = openSync(this.#path, 'a', 0o600);
    try {
      return use(file);
    } finally {
      closeSync(file);
    }
  }

  close(): void {
    this.#stopTrimming();
  }

  #trim(): void {
    try {
      const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
      if (size <= this.#bytesMax) return;
      this.#keepCopy();
      truncateSync(this.#path, 0);
    } catch {
      // Someone else's permissions, or the folder is gone: tried again at the next round, and no reason to end a cluster.
    }
  }

  #keepCopy(): void {
    const older = `${this.#path}.1`;
    try {
      copyFileSync(this.#path, older);
    } catch {
      // No room for two: half a copy would only take more of it.
      rmSync(older, { force: true });
    }
  }
}
