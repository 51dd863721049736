import { assert } from '../../base/assert.ts';
import type { RaftConfig } from './config.ts';
import { InflightWindow } from './inflight-window.ts';
import { inflightFullAppendsMax } from './limits.ts';
import { type LogIndex, logIndex } from './types.ts';

/**
 * How a leader sends to one follower. `probe`: where the logs agree is not known, so one append at a time asks.
 * `replicate`: it is known, so appends follow each other without waiting, within the window. `snapshot`: what it needs next was
 * compacted away, so it was offered a snapshot, and nothing but heartbeats follow until it has one.
 */
export type ProgressMode =
  | { readonly kind: 'probe'; readonly isAsked: boolean }
  | { readonly kind: 'replicate'; readonly window: InflightWindow }
  | {
      readonly kind: 'snapshot';
      /** The follower is past it once it holds this entry. */
      readonly coversAtLeast: LogIndex;
      readonly offeredAtTick: number;
    };

const unasked: ProgressMode = { kind: 'probe', isAsked: false };
const asked: ProgressMode = { kind: 'probe', isAsked: true };

/**
 * One follower as the leader sees it.
 *
 * Invariant: `matchIndex < nextIndex`; `matchIndex` never decreases within a term.
 */
export class Progress {
  readonly #config: RaftConfig;
  #mode: ProgressMode = unasked;
  #matchIndex: LogIndex = logIndex(0);
  #nextIndex: LogIndex;
  #appliedIndex: LogIndex | null = null;
  #readRound = 0;
  #heardAtTick: number | null = null;
  /** The commit index it was last told. */
  sentCommitIndex: LogIndex = logIndex(0);

  constructor(config: RaftConfig, nextIndex: LogIndex) {
    this.#config = config;
    this.#nextIndex = nextIndex;
  }

  get mode(): ProgressMode {
    return this.#mode;
  }

  /** Newest entry the follower is known to hold durably, equal to the leader's. */
  get matchIndex(): LogIndex {
    return this.#matchIndex;
  }

  /** The next entry to send. */
  get nextIndex(): LogIndex {
    return this.#nextIndex;
  }

  /** What stands just before the next entry to send. */
  get previousIndex(): LogIndex {
    return logIndex(this.#nextIndex - 1);
  }

  /** As the follower told; null before it told anything. */
  get appliedIndex(): LogIndex | null {
    return this.#appliedIndex;
  }

  /** The newest quorum round it answered. */
  get readRound(): number {
    return this.#readRound;
  }

  /** The tick of its latest answer in this term; null before the first. */
  get heardAtTick(): number | null {
    return this.#heardAtTick;
  }

  /**
   * It answered in this term. Answers come doubled and out of order, so nothing goes back (HAZARDS I12) but how far its MySQL is, which an
   * answer to an older round says nothing new about.
   */
  heard(answer: {
    readonly tick: number;
    readonly readRound: number;
    readonly appliedIndex: LogIndex;
  }): void {
    this.#heardAtTick = answer.tick;
    if (answer.readRound < this.#readRound) return;
    this.#readRound = answer.readRound;
    this.#appliedIndex = answer.appliedIndex;
  }

  /** An append that ends at `lastIndex` was sent. While probing, `nextIndex` waits for the answer. */
  sent(append: { readonly lastIndex: LogIndex; readonly bytes: number }): void {
    assert(this.#mode.kind !== 'snapshot', 'a snapshot comes before what follows it');
    if (this.#mode.kind === 'probe') {
      this.#mode = asked;
      return;
    }
    this.#mode.window.add(append);
    this.#nextIndex = logIndex(append.lastIndex + 1);
  }

  /** A snapshot that covers at least so much was offered. */
  offered(snapshot: { readonly coversAtLeast: LogIndex; readonly tick: number }): void {
    const { coversAtLeast, tick } = snapshot;
    this.#mode = { kind: 'snapshot', coversAtLeast, offeredAtTick: tick };
  }

  /** The follower holds the leader's entries up to `matchIndex`, durably. */
  matched(matchIndex: LogIndex): void {
    if (matchIndex > this.#matchIndex) this.#matchIndex = matchIndex;
    const mode = this.#mode;
    if (mode.kind === 'replicate') mode.window.freeUpTo(matchIndex);
    else {
      const expected = mode.kind === 'snapshot' ? mode.coversAtLeast : this.previousIndex;
      if (matchIndex >= expected) this.#mode = this.#replicating();
    }
    if (this.#matchIndex >= this.#nextIndex) this.#nextIndex = logIndex(this.#matchIndex + 1);
  }

  /** Whether a conflict at `previousIndex` says anything new, or is an old answer on its way. */
  isConflictCurrent(previousIndex: LogIndex): boolean {
    if (previousIndex <= this.#matchIndex || this.#mode.kind === 'snapshot') return false;
    if (this.#mode.kind === 'replicate') return previousIndex < this.#nextIndex;
    return previousIndex === this.previousIndex;
  }

  /** The logs differ, or an append was lost: ask again behind the newest entry both may hold. */
  backUpTo(agreedAtMost: LogIndex): void {
    assert(agreedAtMost < this.previousIndex, 'a conflict moves the question back');
    this.#mode = unasked;
    this.#nextIndex = logIndex(Math.max(this.#matchIndex, agreedAtMost) + 1);
  }

  /**
   * What was on the wire may be gone. A follower that was being replicated to is asked again behind what it is known to
   * hold; one that was still being asked is asked the same again: nothing is known of it yet, and to begin at the first entry
   * would send it the whole log.
   */
  probeAgain(): void {
    if (this.#mode.kind === 'replicate') this.#nextIndex = logIndex(this.#matchIndex + 1);
    this.#mode = unasked;
  }

  #replicating(): ProgressMode {
    const window = new InflightWindow({
      countMax: this.#config.inflightAppendsMax,
      bytesMax: this.#config.appendBytesMax * inflightFullAppendsMax,
    });
    return { kind: 'replicate', window };
  }
}
