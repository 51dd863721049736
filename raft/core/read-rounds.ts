import { waitingReadsMax } from './limits.ts';
import type { LogIndex } from './types.ts';

interface Round<Read> {
  readonly number: number;
  /** The commit index when the round was opened. */
  readonly index: LogIndex;
  readonly reads: readonly Read[];
}

/**
 * Quorum rounds of one leader in one term (Raft thesis §6.4). Rounds are numbered; every append carries the newest
 * number and every answer echoes it, so a majority that echoed round n still followed this leader after n was opened.
 *
 * One round at a time carries reads. Reads that arrive while it is under way share the next, which opens when it is
 * confirmed: n readers cost one round trip's messages, not n, and none waits longer than two round trips. If the messages
 * of a round are lost, the round of the next heartbeat takes its place.
 */
export class ReadRounds<Read = number> {
  #opened = 0;
  #confirmed = 0;
  #waiting: Read[] = [];
  #underWay: Round<Read>[] = [];
  #count = 0;

  /** The newest round. */
  get opened(): number {
    return this.#opened;
  }

  /** The newest round that a quorum answered. */
  get confirmed(): number {
    return this.#confirmed;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get hasReadsUnderWay(): boolean {
    return this.#underWay.length > 0;
  }

  /** False, and the read is not kept, when too many wait. */
  add(read: Read): boolean {
    if (this.#count >= waitingReadsMax) return false;
    this.#waiting.push(read);
    this.#count += 1;
    return true;
  }

  /** Opens a round; reads that wait join it if `index` may be served, else they stay. */
  open(index: LogIndex | null): void {
    this.#opened += 1;
    if (index === null || this.#waiting.length === 0) return;
    this.#underWay.push({ number: this.#opened, index, reads: this.#waiting });
    this.#waiting = [];
  }

  /** A quorum answered `round` or a later one. Returns what it confirms, oldest first. */
  confirm(round: number): readonly Round<Read>[] {
    if (round <= this.#confirmed) return [];
    this.#confirmed = round;
    const left = this.#underWay.findIndex(({ number }) => number > round);
    const done = this.#underWay.splice(0, left === -1 ? this.#underWay.length : left);
    for (const { reads } of done) this.#count -= reads.length;
    return done;
  }

  /** Every read not yet answered, and none afterwards. */
  drain(): readonly Read[] {
    const reads = [...this.#underWay.flatMap((round) => round.reads), ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    this.#count = 0;
    return reads;
  }
}
