import type { NetworkConditions } from './network.ts';
import { knobOf, type RunPlan } from './scenario.ts';

/** What a plan says of the network, by the knobs that all scenarios share. */
export function networkOf(plan: RunPlan): NetworkConditions {
  return {
    delayUsMin: 50,
    delayUsMax: Math.max(60, knobOf(plan, 'delayUsMax')),
    slowPermille: knobOf(plan, 'slowPermille'),
    slowUsMax: knobOf(plan, 'slowUsMax'),
    lossPermille: knobOf(plan, 'lossPermille'),
    duplicatePermille: knobOf(plan, 'duplicatePermille'),
  };
}
