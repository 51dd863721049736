import type { LogIndex } from './core/types.ts';

/** Told, in the moment it happens, what the status says a little later and durations that it does not have. Decides nothing. */
export interface RaftObserver {
  /** A write with entries, its sync included, took so long. */
  wrote(durationMs: number): void;
  /** Entries up to this one are on the disk of this node. */
  durable(index: LogIndex): void;
  /** Entries up to this one are on a quorum of disks, as far as this node knows. */
  committed(index: LogIndex): void;
}
