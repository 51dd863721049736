import type { Wishes } from './kernel/index.ts';

/** What runs this seed again, with what is rare in its trace. */
export function replayCommand(of: {
  readonly scenario: string;
  readonly seed: number;
  readonly wishes: Wishes;
}): string {
  const { scenario, seed, wishes } = of;
  const nodes = wishes.nodeCount === null ? '' : ` --nodes ${wishes.nodeCount}`;
  const seconds = wishes.faultyMs === null ? '' : ` --seconds ${wishes.faultyMs / 1000}`;
  return `npm run simulate -- --scenario ${scenario} --seed ${seed}${nodes}${seconds} --log short`;
}
