import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { SeededRandom } from '../../base/random.ts';
import { allPlayRoles } from './nemesis/everyone-back.ts';
import { nemeses } from './nemesis/nemeses.ts';
import type { Nemesis } from './nemesis/nemesis.ts';
import type { PlannedFault } from './plan.ts';
import type { FaultEvent, FaultSite } from './site.ts';

export interface ConductOptions {
  readonly site: FaultSite;
  readonly plan: readonly PlannedFault[];
  /** `performance.now()` at time 0 of the plan. */
  readonly originMs: number;
  /** No fault begins later than that after time 0. */
  readonly durationMs: number;
  onEvent(event: FaultEvent): void;
  /** Settles when clients were served for some seconds on end, from the call on, or were not for too long. */
  served(signal: AbortSignal): Promise<void>;
}

/** Between the moment at which all nodes are back and the wait for service before the next fault. */
const restMsMin = 4_000;

interface Course {
  /** When it struck; `performance.now()`. Null when it was left out. */
  readonly begun: Promise<number | null>;
  readonly ended: Promise<void>;
}

/**
 * Does what is planned. Settles when every fault has ended; when `signal` aborts, no fault begins any more and those under way end at
 * once. A fault that cannot be done is told as one that was not confirmed. A fault begins when clients are served, and where it leaves a
 * majority whole it lasts until they are again. So on a slow machine all that follows comes later: faults that do not overlap in the plan
 * never do, and one that joins another comes as long after it as planned. Answers how many were left out because the time was over.
 */
export async function conduct(options: ConductOptions, signal: AbortSignal): Promise<number> {
  const courses = new Map<number, Course>();
  let leftOut = 0;
  for (const planned of options.plan) {
    const due = dueMs(planned, options, { courses, signal });
    const begun = Promise.withResolvers<number | null>();
    const ended = due.then(async (atMs) => {
      if (atMs !== null) return await runFault(planned, options, { atMs, begun, signal });
      leftOut += 1;
      begun.resolve(null);
    });
    courses.set(planned.fault, { begun: begun.promise, ended });
  }
  await Promise.all([...courses.values()].map(({ ended }) => ended));
  return leftOut;
}

interface Conducted {
  /** Of all faults that begin earlier. */
  readonly courses: ReadonlyMap<number, Course>;
  readonly signal: AbortSignal;
}

/** When a fault is to begin; settles not long before. Null when there is no time left for it. */
async function dueMs(
  planned: PlannedFault,
  options: ConductOptions,
  conducted: Conducted,
): Promise<number | null> {
  const { courses } = conducted;
  const joined = options.plan.find(
    ({ beginMs, endMs }) => beginMs < planned.beginMs && endMs > planned.beginMs,
  );
  if (joined === undefined) return await dueAloneMs(planned, options, conducted);
  const partnerMs = await courses.get(joined.fault)?.begun;
  return partnerMs == null ? null : partnerMs + planned.beginMs - joined.beginMs;
}

async function dueAloneMs(
  planned: PlannedFault,
  { site, plan, originMs, durationMs, served }: ConductOptions,
  { courses, signal }: Conducted,
): Promise<number | null> {
  const before = plan.filter(({ endMs }) => endMs <= planned.beginMs);
  await Promise.all(before.map(({ fault }) => courses.get(fault)?.ended));
  const plannedMs = originMs + planned.beginMs;
  if (before.length === 0) return plannedMs;
  if (signal.aborted || performance.now() > originMs + durationMs) return null;
  await allPlayRoles(site);
  await reached(Math.max(plannedMs, performance.now() + restMsMin), signal);
  await served(signal);
  return performance.now();
}

async function runFault(
  planned: PlannedFault,
  options: ConductOptions,
  course: {
    readonly atMs: number;
    readonly begun: PromiseWithResolvers<number | null>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { site, onEvent } = options;
  const { atMs: dueAtMs, begun, signal } = course;
  const isDue = await reached(dueAtMs, signal);
  begun.resolve(performance.now());
  if (!isDue) return;
  const nemesis: Nemesis | undefined = nemeses[planned.nemesis];
  if (nemesis === undefined) throw new Error(`no nemesis ${planned.nemesis}`);
  const { fault, nemesis: name, variant } = planned;
  const event = { fault, nemesis: name, variant };
  const over = new AbortController();
  try {
    const random = new SeededRandom(planned.seed);
    const struck = await nemesis.strike({ site, variant, random, over: over.signal });
    const { atMs, detail, confirmed } = struck;
    const isMajorityWhole = struck.isMajorityWhole && !planned.overlaps;
    onEvent({ ...event, phase: 'begin', atMs, detail, confirmed, isMajorityWhole });
    const served = isMajorityWhole ? options.served(signal) : Promise.resolve();
    await reached(performance.now() + planned.endMs - planned.beginMs, signal);
    await served;
    over.abort();
    const { atMs: endedMs, ...end } = await struck.end();
    onEvent({ ...event, phase: 'end', atMs: endedMs, ...end, isMajorityWhole });
  } catch (thrown) {
    over.abort();
    const detail = `failed: ${describe(thrown)}`;
    const atMs = performance.now();
    onEvent({ ...event, phase: 'end', atMs, detail, confirmed: false, isMajorityWhole: false });
  }
}

function describe(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined || cause === null
    ? messageOf(thrown)
    : `${messageOf(thrown)}: ${messageOf(cause)}`;
}

/** False when aborted before. */
async function reached(atMs: number, signal: AbortSignal): Promise<boolean> {
  const leftMs = Math.max(0, atMs - performance.now());
  return await delay(leftMs, true, { signal }).catch(() => false);
}
