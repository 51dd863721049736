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
  onEvent(event: FaultEvent): void;
  /** Settles when clients were served for some seconds on end, from the call on, or were not for too long. */
  served(signal: AbortSignal): Promise<void>;
}

/** Between the moment at which all nodes are back and the wait for service before the next fault. */
const restMsMin = 4_000;

interface Course {
  /** When it struck; `performance.now()`. */
  readonly begun: Promise<number>;
  readonly ended: Promise<void>;
}

/**
 * Does what is planned. Settles when every fault has ended; when `signal` aborts, no fault begins any more and those under way end at
 * once. A fault that cannot be done is told as one that was not confirmed. A fault begins when clients are served, and where it leaves a
 * majority whole it lasts until they are again. So on a slow machine all that follows comes later: faults that do not overlap in the plan
 * never do, and one that joins another comes as long after it as planned.
 */
export async function conduct(options: ConductOptions, signal: AbortSignal): Promise<void> {
  const { site, originMs, plan } = options;
  const courses = new Map<number, Course>();
  for (const planned of plan) {
    const joined = plan.find(
      ({ beginMs, endMs }) => beginMs < planned.beginMs && endMs > planned.beginMs,
    );
    const partner = joined === undefined ? undefined : courses.get(joined.fault);
    const before = plan
      .filter(({ endMs }) => endMs <= planned.beginMs)
      .map(({ fault }) => courses.get(fault)?.ended);
    const dueMs = async (): Promise<number> => {
      if (joined !== undefined && partner !== undefined) {
        return (await partner.begun) + planned.beginMs - joined.beginMs;
      }
      await Promise.all(before);
      if (before.length === 0) return originMs + planned.beginMs;
      if (signal.aborted) return 0;
      await allPlayRoles(site);
      await reached(Math.max(originMs + planned.beginMs, performance.now() + restMsMin), signal);
      await options.served(signal);
      return performance.now();
    };
    const begun = Promise.withResolvers<number>();
    const ended = dueMs().then((atMs) => runFault(planned, options, { atMs, begun, signal }));
    courses.set(planned.fault, { begun: begun.promise, ended });
  }
  await Promise.all([...courses.values()].map(({ ended }) => ended));
}

async function runFault(
  planned: PlannedFault,
  options: ConductOptions,
  course: {
    readonly atMs: number;
    readonly begun: PromiseWithResolvers<number>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { site, onEvent } = options;
  const { atMs: dueMs, begun, signal } = course;
  const isDue = await reached(dueMs, signal);
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
