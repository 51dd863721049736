import { waitingReadsMax } from './limits.ts';
import type { NodeId, Term } from './types.ts';

/** A leader in its term: the one that was asked. */
export interface AskedLeader {
  readonly id: NodeId;
  readonly term: Term;
}

interface ForwardedRead {
  readonly sinceTick: number;
  asked: AskedLeader | null;
}

/** Reads of this node whose index another node is asked for, oldest first. */
export class ForwardedReads {
  readonly #reads = new Map<number, ForwardedRead>();

  get isEmpty(): boolean {
    return this.#reads.size === 0;
  }

  /** False, and the read is not kept, when too many wait. */
  add(readId: number, sinceTick: number): boolean {
    if (this.#reads.size >= waitingReadsMax) return false;
    this.#reads.set(readId, { sinceTick, asked: null });
    return true;
  }

  /** Reads that this leader was not asked for yet; from here on it was. */
  takeUnasked(leader: AskedLeader): readonly number[] {
    const unasked: number[] = [];
    for (const [readId, read] of this.#reads) {
      if (read.asked?.id === leader.id && read.asked.term === leader.term) continue;
      read.asked = leader;
      unasked.push(readId);
    }
    return unasked;
  }

  /** The read is answered. False for one that is not waited for, or that this leader was not asked for. */
  take(readId: number, leader: AskedLeader): boolean {
    const asked = this.#reads.get(readId)?.asked;
    const isExpected = asked?.id === leader.id && asked.term === leader.term;
    return isExpected && this.#reads.delete(readId);
  }

  /** Reads that wait since before `tick`, and wait no longer. */
  takeOlderThan(tick: number): readonly number[] {
    const old: number[] = [];
    for (const [readId, { sinceTick }] of this.#reads) {
      if (sinceTick >= tick) break;
      old.push(readId);
    }
    for (const readId of old) this.#reads.delete(readId);
    return old;
  }

  takeAll(): readonly number[] {
    const all = [...this.#reads.keys()];
    this.#reads.clear();
    return all;
  }
}
