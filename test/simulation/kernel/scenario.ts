import { SeededRandom } from '../../../base/random.ts';
import type { Trace } from './trace.ts';

/** One fault of a run. The target is chosen when it happens, by `pick`, among those that then qualify. */
export interface FaultEvent {
  readonly atMs: number;
  /** A name that the scenario knows: `crash-leader`, `partition-halves`, … */
  readonly kind: string;
  /** Luck for the choice of targets, drawn ahead so that dropping one fault does not change the others. */
  readonly pick: number;
  /** How long it lasts, where it lasts. */
  readonly forMs: number;
}

/**
 * All that one run is decided by, as plain data: drawn from a seed, reduced by shrinking, kept as a regression. The
 * seed still feeds the streams of luck of the network, the disks and the clients.
 */
export interface RunPlan {
  readonly scenario: string;
  readonly seed: number;
  readonly nodeCount: number;
  /** Length of the first phase, with faults; the second, healed, lasts as long as the scenario needs. */
  readonly faultyMs: number;
  /** How hard each kind of trouble is, by name; 0 is off. A missing one is off too. */
  readonly knobs: Readonly<Record<string, number>>;
  /** Ascending by moment. */
  readonly faults: readonly FaultEvent[];
}

/** What the caller wants whatever the seed says. */
export interface Wishes {
  readonly nodeCount: number | null;
  readonly faultyMs: number | null;
}

export interface RunReport {
  /** Of the whole trace: equal for equal plans. */
  readonly hash: string;
  readonly eventCount: number;
  readonly simulatedMs: number;
  readonly violation: { readonly rule: string; readonly message: string } | null;
  /** What happened how often, for totals and for the check that enough did (HAZARDS C11). */
  readonly counts: Readonly<Record<string, number>>;
}

/** Something that can be run from a seed. Stateless: runs share nothing. */
export interface Scenario {
  readonly name: string;
  /** Swarm: the seed also decides which faults are on, and how hard. */
  draw(seed: number, wishes: Wishes): RunPlan;
  /** Never rejects for what the run finds; a rejection is a fault of the simulation itself. */
  run(plan: RunPlan, trace: Trace): Promise<RunReport>;
  /** What was missing in many runs taken together: sentences (HAZARDS C11). */
  missingIn?(totals: Readonly<Record<string, number>>, runs: number): readonly string[];
}

/** How hard this trouble is in the plan; 0 when it is off. */
export function knobOf(plan: RunPlan, name: string): number {
  return plan.knobs[name] ?? 0;
}

/** The luck of a fault for its choices. */
export function luckOf(fault: FaultEvent): SeededRandom {
  return new SeededRandom(fault.pick);
}

/** Draws the times of faults: `kinds` with equal chance, about one every `everyMs`. */
export function drawFaults(options: {
  readonly random: SeededRandom;
  readonly kinds: readonly string[];
  readonly everyMs: number;
  readonly faultyMs: number;
  /** The longest that one lasts. */
  readonly forMsMax: number;
}): FaultEvent[] {
  const { random, kinds, everyMs, faultyMs, forMsMax } = options;
  const faults: FaultEvent[] = [];
  if (kinds.length === 0) return faults;
  let atMs = random.below(0, everyMs);
  while (atMs < faultyMs) {
    const kind = kinds[random.below(0, kinds.length)] ?? '';
    const pick = random.below(0, 0x7fff_ffff);
    // Short ones are the rule: a log scale between 50 ms and the longest.
    const share = random.below(0, 1000) / 1000;
    const forMs = Math.round(50 * (forMsMax / 50) ** share);
    faults.push({ atMs, kind, pick, forMs });
    atMs += random.below(1, 2 * everyMs);
  }
  return faults;
}
