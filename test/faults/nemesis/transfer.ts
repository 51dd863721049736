import { setTimeout as delay } from 'node:timers/promises';
import { requestTransfer } from '../../../cli/admin-client.ts';
import type { FaultSite } from '../site.ts';
import type { Nemesis, StruckFault } from './nemesis.ts';
import { servingLeader } from './serving-leader.ts';

const pauseMs = 700;
/** One that finds nobody caught up, or an open transaction, is given up: on a busy machine that is most of them. */
const firstAttemptsMax = 10;

/** Leadership is handed over again and again, each time by another node's admin port. */
export const transfer: Nemesis = {
  async strike({ site, random, over }): Promise<StruckFault> {
    const atMs = performance.now();
    const first = await handOverAtLast(site, random.below(0, site.nodes.length));
    const rest = repeat(site, over);
    return {
      atMs,
      detail: first.detail,
      confirmed: first.confirmed,
      isMajorityWhole: true,
      end: async () => {
        const { done, tried } = await rest;
        const detail = `handed over ${done} of ${tried} more times`;
        return { atMs: performance.now(), detail, confirmed: true };
      },
    };
  },
};

async function repeat(
  site: FaultSite,
  over: AbortSignal,
): Promise<{ readonly done: number; readonly tried: number }> {
  let done = 0;
  let tried = 0;
  while (!over.aborted) {
    await delay(pauseMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) break;
    tried += 1;
    // A transfer that finds nobody caught up, or an open transaction, says so and changes nothing.
    done += Number((await handOver(site, tried).catch(() => null))?.confirmed ?? false);
  }
  return { done, tried };
}

async function handOverAtLast(
  site: FaultSite,
  turn: number,
): Promise<{ readonly detail: string; readonly confirmed: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const handed = await handOver(site, turn + attempt).catch(() => null);
    if (handed?.confirmed === true)
      return { ...handed, detail: `${handed.detail}; try ${attempt}` };
    if (attempt >= firstAttemptsMax) {
      return { detail: `none of ${attempt} transfers came about`, confirmed: false };
    }
    await delay(pauseMs);
  }
}

async function handOver(
  site: FaultSite,
  turn: number,
): Promise<{ readonly detail: string; readonly confirmed: boolean }> {
  const before = await servingLeader(site);
  const asked = site.nodes[turn % site.nodes.length];
  if (asked === undefined) throw new Error('a cluster has nodes');
  const report = await requestTransfer({ host: asked.host, port: asked.adminPort }, null);
  const after = await servingLeader(site);
  const detail = `asked ${asked.id}: ${report.outcome}; ${before.id} led in term ${before.term}, ${after.id} leads in term ${after.term}`;
  return { detail, confirmed: after.term > before.term };
}
