import { SeededRandom } from '../../../base/random.ts';
import { defaultRaftTimings } from '../../../raft/index.ts';
import { happens, pickFrom } from '../kernel/random-streams.ts';
import {
  drawFaults,
  type FaultEvent,
  knobOf,
  type RunPlan,
  type Wishes,
} from '../kernel/scenario.ts';
import type { DiskConditions } from '../kernel/sim-log-disk.ts';
import { adminFaultKinds } from './admin-faults.ts';
import { diskFaultKinds } from './disk-faults.ts';
import { faultKinds, sequenceKinds } from './faults.ts';
import { memberFaultKinds } from './member-faults.ts';
import type { NodeSettings } from './sim-node.ts';

/** For elections, data folders, tables. Times of faults count from its end. */
export const warmUpMs = 6_000;
/** With the warm-up in front and the healed phase behind, no run is shorter than 60 s. */
const defaultFaultyMs = 54_000;
/**
 * Five nodes cost 1.6 times as much as three, seven twice as much, and what they add (more ways to split, larger joint
 * configurations) needs fewer runs than everything else.
 */
const nodeCounts = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 5, 5, 5, 7];

/** Swarm testing (Groce et al. 2012): a run with few kinds of faults gets further with each than one with all of them. */
export function drawClusterPlan(scenario: string, seed: number, wishes: Wishes): RunPlan {
  const random = new SeededRandom(seed);
  const nodeCount = wishes.nodeCount ?? pickFrom(random, nodeCounts);
  const faultyMs = wishes.faultyMs ?? defaultFaultyMs;
  const isCalm = random.below(0, 20) === 0;
  const on = (percent: number): boolean => !isCalm && random.below(0, 100) < percent;
  /** Small values are the rule, the largest happens. */
  const some = (max: number): number => {
    const share = random.below(0, 1001) / 1000;
    return on(40) ? Math.max(1, Math.round(max * share * share)) : 0;
  };
  const knobs = {
    lossPermille: some(300),
    duplicatePermille: some(500),
    delayUsMax: random.below(200, 3_000) + some(20_000),
    slowPermille: some(60),
    slowUsMax: random.below(1_000, 300_000),
    syncUsMax: random.below(100, 1_000) + some(8_000),
    diskSlowPermille: some(20),
    diskSlowUsMax: random.below(10_000, 1_200_000),
    isLeaseOn: random.below(0, 6) === 0 ? 1 : 0,
    workers: random.below(1, 3),
    fragmentBytesMax: pickFrom(random, [256, 1_024, 4_096, 1_048_576]),
    largeBytes: random.below(50, 6_000),
    binlogBytesMax: pickFrom(random, [1_073_741_824, 1_073_741_824, 200_000, 30_000]),
    applierWorkers: random.below(1, 5),
    isOrphaning: on(20) ? 1 : 0,
    thinkMs: random.below(300, 1_200),
  };
  const kinds = faultKinds.filter(() => on(30));
  const everyMs = random.below(1_000, 9_000);
  const faults = drawFaults({ random, kinds, everyMs, faultyMs, forMsMax: 9_000 });
  const plan = { scenario, seed, nodeCount, faultyMs, knobs, faults };
  if (isCalm) return plan;
  // What came later is drawn later: a seed keeps the rest of its plan.
  const limited = withLimits(withChurn(plan, random), random);
  const hanging = withSometimes(limited, random, diskFaultKinds, {
    oneRunIn: 5,
    everyMs: [8_000, 20_000],
  });
  const administered = withSometimes(hanging, random, adminFaultKinds, {
    oneRunIn: 8,
    everyMs: [10_000, 30_000],
  });
  const complete = withSometimes(administered, random, sequenceKinds, {
    oneRunIn: 8,
    everyMs: [6_000, 20_000],
  });
  return random.below(0, 8) === 0 ? fromTheStart(complete) : complete;
}

/** Whatever a cluster does once, it does under faults then. */
function fromTheStart(plan: RunPlan): RunPlan {
  const faults = plan.faults.map((fault) => ({ ...fault, atMs: fault.atMs - warmUpMs }));
  return { ...plan, faults };
}

/** Some runs begin with a witness, and in some, members come and go. */
function withChurn(plan: RunPlan, random: SeededRandom): RunPlan {
  const knobs = {
    ...plan.knobs,
    hasWitness: random.below(0, 5) === 0 ? 1 : 0,
    checkpointEntries: pickFrom(random, [0, 10, 40, 150]),
  };
  if (random.below(0, 3) > 0) return { ...plan, knobs };
  const kinds = memberFaultKinds.filter(() => happens(random, 500));
  const everyMs = random.below(4_000, 15_000);
  const changes = drawFaults({
    random,
    kinds,
    everyMs,
    faultyMs: plan.faultyMs,
    forMsMax: 9_000,
  });
  return withFaults({ ...plan, knobs }, changes);
}

interface Sometimes {
  /** One run in so many has these faults. */
  readonly oneRunIn: number;
  readonly everyMs: readonly [low: number, high: number];
}

function withSometimes(
  plan: RunPlan,
  random: SeededRandom,
  kinds: readonly string[],
  { oneRunIn, everyMs: [low, high] }: Sometimes,
): RunPlan {
  if (random.below(0, oneRunIn) > 0) return plan;
  const everyMs = random.below(low, high);
  const { faultyMs } = plan;
  return withFaults(plan, drawFaults({ random, kinds, everyMs, faultyMs, forMsMax: 9_000 }));
}

function withFaults(plan: RunPlan, more: readonly FaultEvent[]): RunPlan {
  const faults = [...plan.faults, ...more].toSorted((left, right) => left.atMs - right.atMs);
  return { ...plan, faults };
}

/** Limits of Raft, so small now and then that proposals wait and a transaction takes several appends. */
function withLimits(plan: RunPlan, random: SeededRandom): RunPlan {
  const limits = {
    appendEntriesMax: happens(random, 200) ? random.below(1, 20) : 0,
    uncommittedBytesMax: happens(random, 200) ? random.below(2_000, 40_000) : 0,
  };
  return { ...plan, knobs: { ...plan.knobs, ...limits } };
}

export function diskOf(plan: RunPlan): DiskConditions {
  return {
    syncUsMin: 80,
    syncUsMax: Math.max(100, knobOf(plan, 'syncUsMax')),
    readUsMax: 200,
    slowPermille: knobOf(plan, 'diskSlowPermille'),
    slowReadPermille: 0,
    slowUsMax: knobOf(plan, 'diskSlowUsMax'),
  };
}

/** A knob that shrinking turned off falls back to what is usual. */
export function nodeSettingsOf(plan: RunPlan): NodeSettings {
  const usual = defaultRaftTimings;
  const uncommittedBytesMax = knobOf(plan, 'uncommittedBytesMax') || usual.uncommittedBytesMax;
  return {
    tickMs: 25,
    readMode: knobOf(plan, 'isLeaseOn') === 1 ? 'lease' : 'read-index',
    workers: knobOf(plan, 'workers') || 1,
    fragmentBytesMax: knobOf(plan, 'fragmentBytesMax') || 1_048_576,
    checkpointEntries: knobOf(plan, 'checkpointEntries'),
    diesWithParent: knobOf(plan, 'isOrphaning') === 0,
    probeTimeoutMs: 2_000,
    diskTimeoutMs: 5_000,
    transferDeadlineMs: 3_000,
    raftLimits: {
      appendEntriesMax: knobOf(plan, 'appendEntriesMax') || usual.appendEntriesMax,
      appendBytesMax: Math.min(usual.appendBytesMax, uncommittedBytesMax),
      uncommittedBytesMax,
    },
  };
}
