import type { Clock } from '../../base/clock.ts';
import type { HistogramSnapshot } from '../../base/histogram-snapshot.ts';
import { LatencyHistogram } from '../../base/latency-histogram.ts';
import type { LogIndex } from '../../raft/core/types.ts';
import type { RaftObserver } from '../../raft/raft-observer.ts';
import { FineWallClock } from './fine-wall-clock.ts';

/** A transaction that got its place in the log and waits for its ack. */
export interface TimedCommit {
  readonly lastIndex: LogIndex;
  /** When it had been received whole, as `received` answered. */
  readonly receivedAtMs: number;
  /** The server's own number of the client's connection; 0 when its events do not name one. */
  readonly connectionId: number;
  /** The server asks for one ack for all commits of a group, behind the last of them. */
  readonly needsAck: boolean;
}

/** What a tail tells of its transactions, for whoever measures them. */
export interface TailTimings {
  /** Leadership begins: what waited before is gone. */
  begin(): void;
  /** A transaction is here whole; its server took the time stamp when it wrote it. Answers now, on the monotonic clock. */
  received(commitTimestampUs: number): number;
  proposed(commit: TimedCommit): void;
  /** An ack leaves next: for the last transaction up to this entry that needs one, and all before it. */
  acking(upTo: LogIndex): void;
}

export interface CommitTimingsOptions {
  readonly clock: Clock;
  /** The commit of this connection goes on in the server: its client is answered soon. */
  readonly onAck: (connectionId: number) => void;
  /** Transactions followed at once; what comes while there are more is not measured. A power of two. */
  readonly pendingMax?: number;
}

export interface CommitTimingsSnapshot {
  readonly binlogToBridge: HistogramSnapshot;
  readonly proposeToDurable: HistogramSnapshot;
  readonly proposeToQuorum: HistogramSnapshot;
  readonly quorumToAck: HistogramSnapshot;
  readonly logWrite: HistogramSnapshot;
}

const pendingMaxDefault = 16_384;

/**
 * Where the time of a commit goes, up to its ack. Transactions stand in a ring in the order of the log, and three marks move over it: what is
 * durable here, what a quorum holds, what is acked. The first may be the slowest. A transaction costs a slot and no object.
 */
export class CommitTimings implements RaftObserver, TailTimings {
  readonly #clock: Clock;
  readonly #onAck: (connectionId: number) => void;
  readonly #wallClock: FineWallClock;
  readonly #binlogToBridge = new LatencyHistogram();
  readonly #proposeToDurable = new LatencyHistogram();
  readonly #proposeToQuorum = new LatencyHistogram();
  readonly #quorumToAck = new LatencyHistogram();
  readonly #logWrite = new LatencyHistogram();
  readonly #mask: number;
  readonly #indexes: Float64Array;
  readonly #receivedAtMs: Float64Array;
  readonly #quorumAtMs: Float64Array;
  readonly #connectionIds: Uint32Array;
  readonly #needsAck: Uint8Array;
  // Transactions since the last `begin` that got so far; the slot of the nth is n & mask.
  #pushed = 0;
  #durable = 0;
  #committed = 0;
  #acked = 0;

  constructor({ clock, onAck, pendingMax = pendingMaxDefault }: CommitTimingsOptions) {
    this.#clock = clock;
    this.#onAck = onAck;
    this.#wallClock = new FineWallClock(clock);
    this.#mask = pendingMax - 1;
    this.#indexes = new Float64Array(pendingMax);
    this.#receivedAtMs = new Float64Array(pendingMax);
    this.#quorumAtMs = new Float64Array(pendingMax);
    this.#connectionIds = new Uint32Array(pendingMax);
    this.#needsAck = new Uint8Array(pendingMax);
  }

  snapshot(): CommitTimingsSnapshot {
    return {
      binlogToBridge: this.#binlogToBridge.snapshot(),
      proposeToDurable: this.#proposeToDurable.snapshot(),
      proposeToQuorum: this.#proposeToQuorum.snapshot(),
      quorumToAck: this.#quorumToAck.snapshot(),
      logWrite: this.#logWrite.snapshot(),
    };
  }

  // Of the tail.

  begin(): void {
    this.#pushed = 0;
    this.#durable = 0;
    this.#committed = 0;
    this.#acked = 0;
  }

  received(commitTimestampUs: number): number {
    const nowMs = this.#clock.monotonicMs();
    this.#binlogToBridge.recordMs(this.#wallClock.wallMs(nowMs) - commitTimestampUs / 1000);
    return nowMs;
  }

  proposed({ lastIndex, receivedAtMs, connectionId, needsAck }: TimedCommit): void {
    const oldest = Math.min(this.#durable, this.#acked);
    if (this.#pushed - oldest > this.#mask) return;
    const slot = this.#pushed & this.#mask;
    this.#indexes[slot] = lastIndex;
    this.#receivedAtMs[slot] = receivedAtMs;
    this.#connectionIds[slot] = connectionId;
    this.#needsAck[slot] = needsAck ? 1 : 0;
    this.#pushed += 1;
  }

  acking(upTo: LogIndex): void {
    const end = this.#ackEnd(upTo);
    if (this.#acked === end) return;
    const nowMs = this.#clock.monotonicMs();
    for (; this.#acked < end; this.#acked += 1) {
      const slot = this.#acked & this.#mask;
      this.#quorumToAck.recordMs(nowMs - (this.#quorumAtMs[slot] ?? nowMs));
      const connectionId = this.#connectionIds[slot] ?? 0;
      if (connectionId !== 0) this.#onAck(connectionId);
    }
  }

  /** Behind the last transaction that the ack names: the commits of a group that is not held whole wait for the rest of it. */
  #ackEnd(upTo: LogIndex): number {
    let end = this.#acked;
    for (let nth = end; this.#isPassed(nth, this.#committed, upTo); nth += 1) {
      if (this.#needsAck[nth & this.#mask] === 1) end = nth + 1;
    }
    return end;
  }

  // Of Raft.

  wrote(durationMs: number): void {
    this.#logWrite.recordMs(durationMs);
  }

  durable(index: LogIndex): void {
    if (!this.#isPassed(this.#durable, this.#pushed, index)) return;
    const nowMs = this.#clock.monotonicMs();
    do {
      const slot = this.#durable & this.#mask;
      this.#proposeToDurable.recordMs(nowMs - (this.#receivedAtMs[slot] ?? nowMs));
      this.#durable += 1;
    } while (this.#isPassed(this.#durable, this.#pushed, index));
  }

  committed(index: LogIndex): void {
    if (!this.#isPassed(this.#committed, this.#pushed, index)) return;
    const nowMs = this.#clock.monotonicMs();
    do {
      const slot = this.#committed & this.#mask;
      this.#proposeToQuorum.recordMs(nowMs - (this.#receivedAtMs[slot] ?? nowMs));
      this.#quorumAtMs[slot] = nowMs;
      this.#committed += 1;
    } while (this.#isPassed(this.#committed, this.#pushed, index));
  }

  /** There is an nth transaction before `end`, and the entry reached covers it. */
  #isPassed(nth: number, end: number, reached: LogIndex): boolean {
    return nth < end && (this.#indexes[nth & this.#mask] ?? Infinity) <= reached;
  }
}
