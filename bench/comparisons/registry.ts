import { commitComparison } from './commit.ts';
import type { MakeComparison } from './comparison.ts';
import { failoverComparison } from './failover.ts';
import { growthComparison } from './growth.ts';
import { raftComparison } from './raft.ts';
import { readsComparison } from './reads.ts';

/** Every comparison, by its name on the command line, in the order of a whole run. */
export const comparisons: ReadonlyMap<string, MakeComparison> = new Map([
  ['commit', commitComparison],
  ['reads', readsComparison],
  ['raft', raftComparison],
  ['failover', failoverComparison],
  ['growth', growthComparison],
]);
