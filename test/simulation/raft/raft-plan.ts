import { SeededRandom } from '../../../base/random.ts';
import {
  drawFaults,
  happens,
  knobOf,
  pickFrom,
  type RunPlan,
  type Wishes,
} from '../kernel/index.ts';
import { faultKinds } from './raft-faults.ts';
import type { MemberSettings } from './raft-member.ts';

const defaultFaultyMs = 60_000;

/** Swarm testing (Groce et al. 2012): each run leaves out about half of the troubles, and draws how hard the others are. */
export function drawRaftPlan(scenario: string, seed: number, wishes: Wishes): RunPlan {
  const random = new SeededRandom(seed);
  const nodeCount = wishes.nodeCount ?? pickFrom(random, [3, 3, 3, 3, 5, 5, 5, 7]);
  const faultyMs = wishes.faultyMs ?? defaultFaultyMs;
  const isCalm = random.below(0, 20) === 0;
  const on = (): boolean => !isCalm && random.below(0, 2) === 0;
  /** Small values are the rule, the largest happens. */
  const some = (max: number): number => {
    const share = random.below(0, 1001) / 1000;
    return on() ? Math.max(1, Math.round(max * share * share)) : 0;
  };
  const isLeaseOn = random.below(0, 2);
  // Some clients in a hurry: what is stale for a moment only is seen by nobody else. And among them some that hardly write: a
  // follower whose log is behind is elected by nobody, and so breaks no lease.
  const thinkMs = Math.round(5 * 80 ** (random.below(0, 1001) / 1000));
  const isReading = thinkMs < 40 && random.below(0, 2) === 0;
  const knobs = {
    lossPermille: some(300),
    duplicatePermille: some(500),
    delayUsMax: random.below(200, 3000) + some(20_000),
    slowPermille: some(100),
    slowUsMax: random.below(1000, 400_000),
    syncUsMax: random.below(100, 1000) + some(10_000),
    diskSlowPermille: some(30),
    diskSlowUsMax: random.below(10_000, 1_500_000),
    // With leases the clocks stay within the drift bound that they are told of.
    clockSkewPermille: some(isLeaseOn === 1 ? 45 : 300),
    isLeaseOn,
    inflightAppendsMax: random.below(1, 16),
    appendEntriesMax: random.below(1, 64),
    appendBytesMax: random.below(500, 40_000),
    cacheBytesMax: random.below(1000, 60_000),
    applyMsMax: some(50),
    flushEvery: random.below(1, 40),
    snapshotEvery: on() ? random.below(5, 120) : 0,
    keptEntries: random.below(0, 60),
    hasWitness: random.below(0, 4) === 0 ? 1 : 0,
    clients: random.below(2, 9),
    thinkMs,
    writePermille: isReading ? random.below(5, 60) : 500,
    largePermille: some(40),
    strangerPermille: some(20),
    hasAbsentees: on() ? 1 : 0,
    readSlowPermille: some(200),
  };
  // Few kinds, each again and again, find what needs the same fault twice; many find what needs two together.
  const share = isCalm ? 0 : pickFrom(random, [60, 200, 350, 600]);
  const kinds = faultKinds.filter(() => happens(random, share));
  const everyMs = random.below(700, 10_000);
  const faults = drawFaults({ random, kinds, everyMs, faultyMs, forMsMax: 12_000 });
  return { scenario, seed, nodeCount, faultyMs, knobs, faults };
}

/** A knob that shrinking turned off falls back to something that works. */
export function memberSettingsOf(plan: RunPlan): MemberSettings {
  const or = (name: string, fallback: number): number => knobOf(plan, name) || fallback;
  return {
    inflightAppendsMax: or('inflightAppendsMax', 64),
    appendEntriesMax: or('appendEntriesMax', 1024),
    appendBytesMax: or('appendBytesMax', 100_000),
    cacheBytesMax: or('cacheBytesMax', 1_000_000),
    isLeaseOn: knobOf(plan, 'isLeaseOn') === 1,
    applyMsMax: knobOf(plan, 'applyMsMax'),
    flushEvery: or('flushEvery', 1),
    snapshotEvery: knobOf(plan, 'snapshotEvery'),
    keptEntries: knobOf(plan, 'keptEntries'),
  };
}
