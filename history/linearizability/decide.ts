import type { CheckLimits } from '../verdict.ts';
import type { Decision } from './decision.ts';
import { searchLinearization } from './search.ts';
import { sweep } from './sweep.ts';
import { anyState, at, sameState, type TransitionTable } from './transition-table.ts';

type Stage = (table: TransitionTable, limits: CheckLimits) => Decision;

/** Of all steps, those for a first search: a history in which most orders are possible is found out by luck, and soon. */
const firstSearchShare = 0.01;
const sweepShare = 0.5;

/**
 * Is there an order of the operations, in keeping with real time, in which each finds the state that it needs?
 *
 * The search guesses and goes back, the sweep keeps all that is possible; either may be quick where the other is lost. Where nothing
 * but reads and writes is in it the sweep has little to keep, and begins.
 */
export function decideLinearization(table: TransitionTable, limits: CheckLimits): Decision {
  const stages: readonly (readonly [Stage, number])[] = [
    ...(hasExchanges(table) ? [[searchLinearization, firstSearchShare] as const] : []),
    [sweep, sweepShare],
    [searchLinearization, 1],
  ];
  let steps = 0;
  let reason = '';
  for (const [stage, share] of stages) {
    const stepsMax = Math.min(limits.stepsMax - steps, Math.ceil(limits.stepsMax * share));
    const decision = stage(table, { ...limits, stepsMax });
    steps += decision.steps;
    if (decision.kind !== 'undecided') return { ...decision, steps };
    reason = decision.reason;
    if (steps >= limits.stepsMax) {
      reason = `no answer after ${limits.stepsMax} steps of the search for an order, --steps raises it`;
      break;
    }
  }
  return { kind: 'undecided', reason, steps };
}

function hasExchanges({ needs, makes }: TransitionTable): boolean {
  return needs.some((need, row) => need !== anyState && at(makes, row) !== sameState);
}
