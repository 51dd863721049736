import type { Effect } from './core/effects.ts';
import type { Input } from './core/inputs.ts';
import type { MachineStatus } from './core/status.ts';

/** The pure core as its shell sees it: facts in, orders out, nothing else. `RaftMachine` is the one in use. */
export interface Machine {
  /** Invariant: never entered again before it has returned. */
  step(input: Input): readonly Effect[];
  /** The view after the latest step. */
  readonly status: MachineStatus;
}
