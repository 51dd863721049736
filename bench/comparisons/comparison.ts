import type { ComparisonPlan, ContenderPlan } from '../core/comparison.ts';
import type { Turn } from '../environment.ts';
import type { ToolName } from '../tools.ts';

/**
 * Contenders that are measured in turn, A B A B, round after round. Each turn starts its contender on fresh data, measures it
 * and ends it, so that no other is there meanwhile and all have the same history.
 */
export interface Comparison extends ComparisonPlan {
  readonly contenders: readonly [Contender, ...Contender[]];
  /** Programs besides MySQL, found before anything is started. */
  readonly tools: readonly ToolName[];
}

export interface Contender extends ContenderPlan {
  /** About how long a turn takes, for the first guess of the time left. */
  readonly turnSeconds: number;
  /** Nothing that anybody runs, but what such a thing cannot be quicker than. Left out unless it is asked for. */
  readonly isLimit?: boolean;
  /** Records its samples in the turn. What it throws ends this turn alone, and is part of the results. */
  run(turn: Turn): Promise<void>;
}

/** What a person may choose for all comparisons. */
export interface ComparisonOptions {
  readonly threads: readonly number[];
  /** Of loads without MySQL: what `threads` is to others. */
  readonly clients: readonly number[];
  /** Of each single load. */
  readonly seconds: number;
  readonly rounds: number;
  /** Of each kind, over all rounds. */
  readonly faults: number;
}

export type MakeComparison = (options: ComparisonOptions) => Comparison;
