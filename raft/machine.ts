import type { Effect } from './core/effects.ts';
import type { Input } from './core/inputs.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { MachineStatus } from './core/status.ts';
import type { LogIndex } from './core/types.ts';

/** The pure core as its shell sees it: facts in, orders out, nothing else. `RaftMachine` is the one in use. */
export interface Machine {
  /** Invariant: never entered again before it has returned. */
  step(input: Input): readonly Effect[];
  /** The view after the latest step. */
  readonly status: MachineStatus;
  /** What a snapshot of the state at an applied entry is to be filed under; null for any other. */
  describeSnapshot(index: LogIndex): SnapshotMeta | null;
}
