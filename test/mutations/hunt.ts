import { SeededRandom } from '../../base/random.ts';
import { drawFaults, type RunPlan } from '../simulation/kernel/index.ts';
import { scenarioOf } from '../simulation/scenarios.ts';
import { type TaskResult, WorkerPool } from '../simulation/worker-pool.ts';
import { mutationEnvironment, notPlantedStatus } from './environment.ts';
import type { Mutation } from './mutation.ts';

/** What became of one mutation. */
export interface Catch {
  readonly mutation: Mutation;
  /** The rule that was found broken first; null if none was. */
  readonly caughtBy: string | null;
  readonly message: string;
  /** Seeds run, the last of which found it. */
  readonly seeds: number;
  readonly cpuSeconds: number;
}

export interface HuntLimits {
  readonly seedsMax: number;
  readonly cpuSecondsMax: number;
}

const preload = new URL('preload.ts', import.meta.url).href;
const faultForMsMax = 12_000;
const wishes = { nodeCount: null, faultyMs: null };

/**
 * Runs seeds 1, 2, 3 … on the mutated code until a rule breaks. What breaks must be the fault of the mutation: the same plan is run
 * on the code as it is, and a plan that breaks there too counts for nothing.
 */
export async function hunt(mutation: Mutation, limits: HuntLimits): Promise<Catch> {
  await using mutant = new WorkerPool(1, {
    preload,
    environment: { [mutationEnvironment]: mutation.id },
  });
  await using control = new WorkerPool(0);
  let cpuMs = 0;
  let seed = 0;
  while (seed < limits.seedsMax && cpuMs < limits.cpuSecondsMax * 1000) {
    seed += 1;
    const plan = planOf(mutation, seed);
    const result = await mutant.run({ kind: 'plan', plan });
    cpuMs += result.cpuMs;
    checkPlanted(mutation, result);
    const { violation } = result.report;
    if (violation === null) continue;
    const { report } = await control.run({ kind: 'plan', plan });
    if (report.violation !== null) continue;
    const { rule, message } = violation;
    return { mutation, caughtBy: rule, message, seeds: seed, cpuSeconds: cpuMs / 1000 };
  }
  return { mutation, caughtBy: null, message: '', seeds: seed, cpuSeconds: cpuMs / 1000 };
}

/** The plan of a seed, with what the mutation needs turned on. */
export function planOf({ scenario, emphasis = {} }: Mutation, seed: number): RunPlan {
  const { nodeCount, knobs, faults } = emphasis;
  const drawn = scenarioOf(scenario).draw(seed, { ...wishes, nodeCount: nodeCount ?? null });
  if (faults === undefined) return { ...drawn, knobs: { ...drawn.knobs, ...knobs } };
  const drawnFaults = drawFaults({
    ...faults,
    random: new SeededRandom(seed),
    faultyMs: drawn.faultyMs,
    forMsMax: faultForMsMax,
  });
  return { ...drawn, knobs: { ...drawn.knobs, ...knobs }, faults: drawnFaults };
}

function checkPlanted(mutation: Mutation, { report }: TaskResult): void {
  const isMissing = report.violation?.message.endsWith(`exit status ${notPlantedStatus}`) === true;
  if (isMissing) throw new Error(`${mutation.id} is in a module that the simulation does not load`);
}
