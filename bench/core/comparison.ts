import type { Bar } from './bars.ts';
import type { Statistic } from './sample.ts';

/**
 * What is said about a comparison in its report, apart from how it is measured. Contenders and measures are named as in the
 * samples.
 */
export interface ComparisonPlan {
  /** As on the command line: `commit`. */
  readonly name: string;
  readonly title: string;
  /** In the order of their turns. The first is ours: ratios are ours against each other one. */
  readonly contenders: readonly ContenderPlan[];
  readonly bars: readonly Bar[];
  readonly charts: readonly ChartPlan[];
  readonly table: TablePlan;
}

export interface ContenderPlan {
  readonly name: string;
  readonly title: string;
  /** True for configurations of this project. */
  readonly isOurs: boolean;
}

export interface TablePlan {
  /** What x is: `threads`; empty where nothing is varied. */
  readonly x: string;
  /** What a value of a distribution is: `latency`, `write gap`. */
  readonly distribution: string;
  /** The number that ratios are taken of. */
  readonly ratioOf: Statistic;
}

/** A chart becomes the file `<comparison>-<name>.svg`. */
export type ChartPlan =
  /** A curve per contender: its throughput over x. */
  | {
      readonly kind: 'throughput';
      readonly name: string;
      readonly title: string;
      readonly measure: string;
    }
  /** A curve per contender: which share of the values is below each. */
  | {
      readonly kind: 'distribution';
      readonly name: string;
      readonly title: string;
      readonly curves: readonly { readonly measure: string; readonly x: number }[];
    };
