import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { SeededRandom } from '../../base/random.ts';
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
}

/** Between the end of one fault and the begin of the next, however late the first ended. */
const restMsMin = 3_000;

/**
 * Does what is planned. Settles when every fault has ended; when `signal` aborts, no fault begins any more and those under way end at
 * once. A fault that cannot be done is told as one that was not confirmed. On a machine that is slow all that follows comes later: faults
 * that do not overlap in the plan never do.
 */
export async function conduct(options: ConductOptions, signal: AbortSignal): Promise<void> {
  const ended = new Map<number, Promise<void>>();
  for (const planned of options.plan) {
    const before = options.plan.filter(({ endMs }) => endMs <= planned.beginMs);
    const clear = Promise.all(before.map(({ fault }) => ended.get(fault)));
    ended.set(
      planned.fault,
      clear.then(() => runFault(planned, options, { signal, isFirst: before.length === 0 })),
    );
  }
  await Promise.all(ended.values());
}

async function runFault(
  planned: PlannedFault,
  options: ConductOptions,
  { signal, isFirst }: { readonly signal: AbortSignal; readonly isFirst: boolean },
): Promise<void> {
  const { site, originMs, onEvent } = options;
  const earliestMs = isFirst ? 0 : performance.now() + restMsMin;
  if (!(await reached(Math.max(originMs + planned.beginMs, earliestMs), signal))) return;
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
    await reached(performance.now() + planned.endMs - planned.beginMs, signal);
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
