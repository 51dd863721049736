import { assert } from '../../base/assert.ts';
import type { Scenario } from './kernel/index.ts';
import { clusterScenario } from './node/cluster-scenario.ts';
import { raftScenario } from './raft/raft-scenario.ts';

/** All that can be run; the last one is the default. */
export const scenarios: readonly Scenario[] = [raftScenario, clusterScenario];

export const scenarioNames: readonly string[] = scenarios.map(({ name }) => name);

export function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  assert(found !== undefined, `no scenario is called ${name}: ${scenarioNames.join(', ')}`);
  return found;
}
