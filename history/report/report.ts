import type { History } from '../history.ts';
import type { Verdict } from '../verdict.ts';

/** All there is to tell of a check. */
export interface Report {
  readonly file: string;
  readonly model: string;
  /** True when nobody named the model. */
  readonly isGuessed: boolean;
  readonly history: History;
  readonly verdict: Verdict;
}
