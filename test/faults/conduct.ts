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

/**
 * Does what is planned. Settles when every fault has ended; when `signal` aborts, no fault begins any more and those under way end at
 * once. A fault that cannot be done is told as one that was not confirmed.
 */
export async function conduct(options: ConductOptions, signal: AbortSignal): Promise<void> {
  await Promise.all(options.plan.map((planned) => runFault(planned, options, signal)));
}

async function runFault(
  planned: PlannedFault,
  options: ConductOptions,
  signal: AbortSignal,
): Promise<void> {
  const { site, originMs, onEvent } = options;
  if (!(await reached(originMs + planned.beginMs, signal))) return;
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
    await reached(originMs + planned.endMs, signal);
    over.abort();
    onEvent({ ...event, phase: 'end', ...(await struck.end()), isMajorityWhole });
  } catch (thrown) {
    over.abort();
    const detail = `failed: ${messageOf(thrown)}`;
    const atMs = performance.now();
    onEvent({ ...event, phase: 'end', atMs, detail, confirmed: false, isMajorityWhole: false });
  }
}

/** False when aborted before. */
async function reached(atMs: number, signal: AbortSignal): Promise<boolean> {
  const leftMs = Math.max(0, atMs - performance.now());
  return await delay(leftMs, true, { signal }).catch(() => false);
}
