import type { Random } from '../../../base/random.ts';
import type { Condemnation } from '../../../mysql-bridge/mysql-server.ts';
import { happens } from '../kernel/random-streams.ts';

/** The mark in one data folder of a machine. What is not synced may be gone, or there and damaged, after a power cut. */
export class CondemnedMark {
  readonly #random: Random;
  #text: Condemnation | null = null;
  #isSynced = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Null without a mark; a damaged one counts. */
  get text(): Condemnation | null {
    return this.#text;
  }

  write(text: Condemnation): void {
    this.#text = text;
    this.#isSynced = false;
  }

  sync(): void {
    this.#isSynced = true;
  }

  powerCut(): void {
    if (this.#text === null || this.#isSynced) return;
    const isThere = happens(this.#random, 500);
    this.#text = isThere ? { reason: 'the mark is damaged', gtids: '', atMs: 0 } : null;
    this.#isSynced = true;
  }
}
